import type { EntityManager } from '@mikro-orm/postgresql';
import { CustomerKind, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type {
  MergeCustomersRequest,
  MergeCustomersResponse,
  MergeInput,
} from '@rapport/contracts/rapport/customers/v1/merges_service';
import { beyondScope, checkEtag, etagVersion, transactionPipeline, type Statement } from '@rapport/persistence';
import { currentCaller, invalidArgument, type FieldViolation, type ViolationCode } from '@rapport/platform';
import { CustomFields } from '../fields/custom-fields.js';
import { claimValues, ownedValues, releaseValues } from '../records/claim-unique-values.js';
import { listFields } from '../records/customers/customer-lists.js';
import { customerType } from '../records/customers/customer-type.js';
import { liveRecord } from '../records/missing-record.js';
import { deletedRecord, nextChange } from '../records/record-changes.js';
import { customReferences } from '../records/referring/custom-references.js';
import { customerLinks, recordLinks } from '../records/referring/link-tables.js';
import { checkOwner } from '../records/scope/record-owner.js';
import { updateRecords } from '../records/record-statements.js';
import { uniqueValues, without } from '../records/unique-values.js';
import { fieldViolations } from '../write/record-rules.js';
import { checkSize } from './check-size.js';
import { lockCustomers, lockMerges } from './lock-merges.js';
import { mergeMessage } from './merge-message.js';
import { storedUndo } from './merge-undo.js';
import { Merge } from './merge.entity.js';
import { contentOf, singleFields, unite, type Content } from './merged-content.js';
import { moveLinks } from './moving/move-links.js';
import { moveReferences } from './moving/move-references.js';
import { nextMergeId } from './next-merge-id.js';

/** Handles MergeCustomers. Runs in a transaction. */
export async function mergeCustomers(
  em: EntityManager,
  request: MergeCustomersRequest,
): Promise<MergeCustomersResponse> {
  const { mergedId, mergedEtag, preferMerged } = sent(request);
  await lockMerges(em);
  const locked = await lockCustomers(em, [request.id, mergedId]);
  const customer = await liveRecord(em, customerType(), request.id, locked.get(request.id));
  const merged = mergeable(locked.get(mergedId), customer);
  checkEtag(request.etag, etagVersion(customer.etag));
  checkEtag(mergedEtag, etagVersion(merged.etag));
  // All references to the merged customer move, including those in records that the caller cannot see.
  await transactionPipeline(em, [beyondScope]);
  // The customers are locked: no field that is defined from now on can refer to them.
  const references = await customReferences(em);
  await checkSize(em, customerType(), merged.id, references);

  const before = contentOf(customer);
  const after = unite(before, contentOf(merged), new Set(preferMerged));
  checkLimits(customer, after);
  const stays = withContent(customer, after);
  const gone: Customer = { ...deletedRecord(merged), mergedIntoId: customer.id };
  const [had, has] = [uniqueValues(customerType(), customer), uniqueValues(customerType(), stays)];
  const givenUp = merged.deleteTime === undefined ? uniqueValues(customerType(), merged) : [];
  const customFields = await CustomFields.load(em, customerType());
  await transactionPipeline(em, [
    updateRecords(customerType(), [stays], customFields),
    putMerged(gone),
    ...releaseValues(customerType(), [
      ...ownedValues(merged.id, givenUp),
      ...ownedValues(customer.id, without(had, has)),
    ]),
    ...claimValues(customerType(), ownedValues(customer.id, without(has, had)), () => 'merge.mergedId'),
  ]);

  const { tenantId, principalId } = currentCaller();
  const merge = em.create(Merge, {
    tenantId,
    id: await nextMergeId(em),
    customer: [tenantId, customer.id],
    merged: [tenantId, merged.id],
    undo: storedUndo(customer.id, {
      before,
      after,
      preferMerged,
      mergedDeleteTime: merged.deleteTime,
      ...(await moveReferences(em, { from: merged.id, to: customer.id }, references)),
      links: await moveLinks(em, customerLinks, merged.id, customer.id),
      recordLinks: await moveLinks(em, recordLinks, merged.id, customer.id),
    }),
    createTime: new Date(),
    createdBy: principalId,
  });
  await em.flush();
  return { customer: stays, merge: mergeMessage(merge) };
}

/**
 * Returns a customer with other content and its next version.
 *
 * @throws AppError PERMISSION_DENIED OWNER_OUT_OF_SCOPE
 */
export function withContent(customer: Customer, content: Content): Customer {
  checkOwner(customerType(), content, customer);
  return { ...customer, ...content, ...nextChange(customer) };
}

/** Stores whether a customer is merged. No other field changes. */
export function putMerged({ id, etag, updateTime, updatedBy, deleteTime, mergedIntoId }: Customer): Statement {
  return {
    name: 'put_merged_customer',
    sql: `update customer set version = $3, update_time = $4, updated_by = $5, delete_time = $6, merged_into_id = $7
      where tenant_id = $1 and id = $2`,
    values: [currentCaller().tenantId, id, etagVersion(etag), updateTime, updatedBy, deleteTime, mergedIntoId],
  };
}

function sent({ id, merge }: MergeCustomersRequest): MergeInput {
  if (!merge) throw invalidArgument([{ field: 'merge', reason: 'REQUIRED', description: 'is required' }]);
  if (merge.mergedId === id) throw mergedIdError('SELF_MERGE', 'must differ from the surviving customer');
  const violations = merge.preferMerged.flatMap((name, index): FieldViolation[] =>
    mergedFields.has(name) || /^customFields\.[^.]+$/.test(name)
      ? []
      : [
          {
            field: `merge.preferMerged[${index}]`,
            reason: 'UNKNOWN_FIELD',
            description: 'must be the name of a field, such as jobTitle or customFields.plan',
          },
        ],
  );
  if (violations.length > 0) throw invalidArgument(violations);
  return merge;
}

const mergedFields: ReadonlySet<string> = new Set([...singleFields, ...listFields, 'lifecycleStage', 'customFields']);

/** Checks the customer to merge. It may be deleted: a conflict of unique values can prevent undeleting it. */
function mergeable(merged: Customer | undefined, customer: Customer): Customer {
  if (!merged) throw mergedIdError('CUSTOMER_NOT_FOUND', 'must be the id of a customer');
  if (merged.mergedIntoId !== undefined)
    throw mergedIdError('CUSTOMER_MERGED', 'is already merged into another customer');
  if (merged.kind === customer.kind) return merged;
  throw mergedIdError('KIND_MISMATCH', `must be a customer of kind ${CustomerKind[customer.kind]}`);
}

/**
 * Checks the merged customer against the limits of the contract, except for its custom fields: updates can add more values than one
 * request can hold, and each custom field limits its own values.
 *
 * @throws AppError INVALID_ARGUMENT that names each list that would be too long
 */
function checkLimits(customer: Customer, after: Content): void {
  const violations = fieldViolations(customerType(), { ...customer, ...after, customFields: undefined });
  if (violations.length === 0) return;
  throw invalidArgument(
    violations.map(({ field, reason, description }) => ({
      field: 'merge.mergedId',
      reason,
      description: `must leave the customer valid: ${field} ${description}`,
    })),
  );
}

function mergedIdError(reason: ViolationCode, description: string) {
  return invalidArgument([{ field: 'merge.mergedId', reason, description }]);
}
