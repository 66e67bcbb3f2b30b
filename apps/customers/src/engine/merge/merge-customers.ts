import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  MergeCustomersRequest,
  MergeCustomersResponse,
  MergeInput,
} from '@rapport/contracts/rapport/customers/v1/merges_service';
import { beyondScope, checkEtag, transactionPipeline } from '@rapport/persistence';
import { currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { claimValues, ownedValues, releaseValues } from '../records/claim-unique-values.js';
import { listFields } from '../records/customers/customer-lists.js';
import { customerMessage, entityContent, nextVersion } from '../records/customers/entity-content.js';
import { liveRecord } from '../records/missing-record.js';
import { uniqueValues, without } from '../records/unique-values.js';
import type { Customer } from '../records/customers/customer.entity.js';
import { CustomFields } from '../fields/custom-fields.js';
import { fieldViolations } from '../write/record-rules.js';
import { checkOwner } from '../records/record-owner.js';
import { contentOf, singleFields, unite, type Content } from '../../domain/customers/merges/merged-content.js';
import { customerType } from '../records/customers/customer-type.js';
import { checkSize } from './check-size.js';
import { lockCustomers } from './lock-customers.js';
import { lockMerges } from './lock-merges.js';
import { mergeMessage } from './merge-message.js';
import { storedUndo } from './merge-undo.js';
import { Merge } from './merge.entity.js';
import { moveLinks } from './move-links.js';
import { movePeople } from './move-people.js';
import { nextMergeId } from './next-merge-id.js';

/** Answers MergeCustomers. Runs in a transaction. */
export async function mergeCustomers(
  em: EntityManager,
  request: MergeCustomersRequest,
): Promise<MergeCustomersResponse> {
  const { mergedId, mergedEtag, preferMerged } = sent(request);
  await lockMerges(em);
  const rows = await lockCustomers(em, [request.id, mergedId]);
  const customer = await liveRecord(em, customerType(), request.id, rows.get(request.id));
  const merged = mergeable(rows.get(mergedId), customer);
  checkEtag(request.etag, customer.version);
  checkEtag(mergedEtag, merged.version);
  // Its people and links move with the merged customer, whoever may see them.
  await transactionPipeline(em, [beyondScope]);
  await checkSize(em, merged.id);

  const before = contentOf(customerMessage(customer));
  const after = unite(before, contentOf(customerMessage(merged)), new Set(preferMerged));
  checkLimits(customer, after);
  const mergedDeleteTime = merged.deleteTime?.toISOString();
  await putContent(em, customer, after);
  const change = nextVersion(merged);
  em.assign(merged, { ...change, deleteTime: change.updateTime, mergedInto: [customer.tenantId, customer.id] });
  await em.flush();

  const { tenantId, principalId } = currentCaller();
  const valuesOf = (content: Content) => uniqueValues(customerType(), { ...customerMessage(customer), ...content });
  const [had, has] = [valuesOf(before), valuesOf(after)];
  const givenUp = mergedDeleteTime === undefined ? uniqueValues(customerType(), customerMessage(merged)) : [];
  await transactionPipeline(em, [
    ...releaseValues(customerType(), [
      ...ownedValues(merged.id, givenUp),
      ...ownedValues(customer.id, without(had, has)),
    ]),
    ...claimValues(customerType(), ownedValues(customer.id, without(has, had)), () => 'merge.mergedId'),
  ]);
  const merge = em.create(Merge, {
    tenantId,
    id: await nextMergeId(em),
    customer: [tenantId, customer.id],
    merged: [tenantId, merged.id],
    undo: storedUndo(customer.id, {
      before,
      after,
      preferMerged,
      mergedDeleteTime,
      people: customer.kind === 'COMPANY' ? await movePeople(em, merged.id, customer.id) : [],
      links: await moveLinks(em, merged.id, customer.id),
    }),
    createTime: new Date(),
    createdBy: principalId,
  });
  await em.flush();
  return { customer: customerMessage(customer), merge: mergeMessage(merge) };
}

/**
 * Gives a customer content that was united or taken back, and its next version.
 *
 * @throws AppError PERMISSION_DENIED OWNER_OUT_OF_SCOPE
 */
export async function putContent(em: EntityManager, customer: Customer, content: Content): Promise<void> {
  const { lifecycleStageTime } = content;
  const before = customerMessage(customer);
  checkOwner(customerType(), content, before);
  em.assign(customer, {
    ...entityContent(customer.tenantId, { ...before, ...content }, await CustomFields.load(em)),
    lifecycleStageTime: lifecycleStageTime === undefined ? null : new Date(lifecycleStageTime),
    ...nextVersion(customer),
  });
}

function sent({ id, merge }: MergeCustomersRequest): MergeInput {
  if (!merge) throw invalidArgument([{ field: 'merge', reason: 'REQUIRED', description: 'is required' }]);
  if (merge.mergedId === id) throw mergedIdError('SELF_MERGE', 'must be another customer than the one that stays');
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

/** The customer to merge may be deleted: its unique values may be why it can't be undeleted. */
function mergeable(merged: Customer | undefined, customer: Customer): Customer {
  if (!merged) throw mergedIdError('CUSTOMER_NOT_FOUND', 'must be the id of a customer');
  if (merged.mergedInto) throw mergedIdError('CUSTOMER_MERGED', 'was merged into another customer already');
  if (merged.kind === customer.kind) return merged;
  throw mergedIdError('KIND_MISMATCH', `must be a customer of kind ${customer.kind}`);
}

/**
 * Values of custom fields are not counted, since updates may bring more than one request can: of fields there are few, and
 * each bounds its own.
 *
 * @throws AppError INVALID_ARGUMENT that names each list that would be too long
 */
function checkLimits(customer: Customer, after: Content): void {
  const violations = fieldViolations(customerType(), {
    ...customerMessage(customer),
    ...after,
    customFields: undefined,
  });
  if (violations.length === 0) return;
  throw invalidArgument(
    violations.map(({ field, reason, description }) => ({
      field: 'merge.mergedId',
      reason,
      description: `must leave the customer valid: ${field} ${description}`,
    })),
  );
}

function mergedIdError(reason: string, description: string) {
  return invalidArgument([{ field: 'merge.mergedId', reason, description }]);
}
