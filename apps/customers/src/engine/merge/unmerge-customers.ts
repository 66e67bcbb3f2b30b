import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  UnmergeCustomersRequest,
  UnmergeCustomersResponse,
} from '@rapport/contracts/rapport/customers/v1/merges_service';
import { beyondScope, transactionPipeline } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { claimValues, ownedValues, releaseValues, valueText } from '../records/claim-unique-values.js';
import { customerMessage, loadKeysOf, nextVersion } from '../records/customers/entity-content.js';
import { survivors } from '../records/missing-record.js';
import { notFound } from '../records/record-changes.js';
import { type UniqueValue, uniqueValues, without } from '../records/unique-values.js';
import { Customer, referencedId } from '../records/customers/customer.entity.js';
import { contentOf, unite, type Content } from '../../domain/customers/merges/merged-content.js';
import { customerType } from '../records/customers/customer-type.js';
import { findMergeInForce, findMergeToUndo } from './find-merge.js';
import { lockCustomers } from './lock-customers.js';
import { lockMerges } from './lock-merges.js';
import { putContent } from './merge-customers.js';
import { mergeMessage } from './merge-message.js';
import { openUndo, storedUndo } from './merge-undo.js';
import { Merge } from './merge.entity.js';
import { movePeople } from './move-people.js';
import { restoreLinks } from './restore-links.js';
import { takeBack, type TakenBack } from './three-way.js';

/** Answers UnmergeCustomers. Runs in a transaction. */
export async function unmergeCustomers(
  em: EntityManager,
  { id }: UnmergeCustomersRequest,
): Promise<UnmergeCustomersResponse> {
  const { merge, customer, merged } = await lockMerge(em, id);
  await checkInForce(em, merge, customer);
  // What moved with the merge goes back, whoever may see it.
  await transactionPipeline(em, [beyondScope]);
  const { undo } = merge;
  const now = customerMessage(customer);
  const regained = undo.mergedDeleteTime === undefined ? uniqueValues(customerType(), customerMessage(merged)) : [];
  const { content, keptFields } = await takeMergeBack(em, merge, contentOf(now), regained);
  await putContent(em, customer, content);
  em.assign(merged, {
    ...nextVersion(merged),
    deleteTime: undo.mergedDeleteTime === undefined ? null : new Date(undo.mergedDeleteTime),
    mergedInto: null,
  });
  em.assign(merge, { undoTime: new Date(), undoneBy: currentCaller().principalId });
  await em.flush();

  const [had, has] = [uniqueValues(customerType(), now), uniqueValues(customerType(), customerMessage(customer))];
  const claims = [...ownedValues(customer.id, without(has, had)), ...ownedValues(merged.id, regained)];
  await transactionPipeline(em, [
    ...releaseValues(customerType(), ownedValues(customer.id, without(had, has))),
    ...claimValues(customerType(), claims, () => 'id'),
  ]);
  if (customer.kind === 'COMPANY') await movePeople(em, customer.id, merged.id, undo.people);
  await restoreLinks(em, undo.links, customer.id, merged.id);
  return {
    customer: customerMessage(customer),
    restored: customerMessage(merged),
    keptFields,
    merge: mergeMessage(merge),
  };
}

/** The record changes under the lock of the tenant's merges only. */
async function lockMerge(em: EntityManager, id: string) {
  await lockMerges(em);
  const merge = await findMergeToUndo(em, id);
  const [customerId, mergedId] = [referencedId(merge.customer), referencedId(merge.merged)];
  const rows = await lockCustomers(em, [customerId, mergedId]);
  const [customer, merged] = [rows.get(customerId), rows.get(mergedId)];
  if (!customer || !merged) throw notFound(customerType());
  return { merge, customer, merged };
}

async function checkInForce(em: EntityManager, merge: Merge, customer: Customer): Promise<void> {
  if (merge.undoTime) {
    throw new AppError('FAILED_PRECONDITION', 'MERGE_UNDONE', 'The merge was taken back already.');
  }
  if (customer.mergedInto) {
    const { id: mergeId } = await findMergeInForce(em, customer.id);
    const message = `The customer that stayed was merged itself. Take back the merge ${mergeId} first.`;
    throw new AppError('FAILED_PRECONDITION', 'MERGE_BUILT_UPON', message, { metadata: { mergeId } });
  }
  if (customer.deleteTime) {
    const metadata = { customerId: customer.id };
    const message = 'The customer that stayed is deleted. Undelete it first.';
    throw new AppError('FAILED_PRECONDITION', 'CUSTOMER_DELETED', message, { metadata });
  }
}

/**
 * The customer that stayed without one of its merges. Later merges into it are done again without this one, in its content
 * and in their records, so that merges can be taken back in any order. That their ids tell (see `nextMergeId`).
 */
async function takeMergeBack(
  em: EntityManager,
  merge: Merge,
  now: Content,
  regained: UniqueValue[],
): Promise<TakenBack> {
  const { tenantId } = merge;
  const undo = await openUndo(merge.undo);
  const later = await em.find(
    Merge,
    { tenantId, customer: merge.customer, undoTime: null, id: { $gt: merge.id } },
    { orderBy: { id: 'asc' } },
  );
  const rows = await em.find(Customer, { tenantId, id: { $in: later.map(({ merged }) => referencedId(merged)) } });
  await loadKeysOf(rows);
  const mergedContents = new Map(rows.map((row) => [row.id, contentOf(customerMessage(row))]));
  const resolve = await companyResolver(em, [merge, ...later]);
  let [before, after] = [resolve(undo.before), resolve(undo.after)];
  for (const next of later) {
    const mergedContent = mergedContents.get(referencedId(next.merged));
    if (!mergedContent) throw new Error('A merge has two customers.');
    const nextUndo = await openUndo(next.undo);
    const start = takeBack(before, after, resolve(nextUndo.before)).content;
    before = unite(start, mergedContent, new Set(nextUndo.preferMerged));
    after = resolve(nextUndo.after);
    const undone = storedUndo(referencedId(merge.customer), { ...nextUndo, before: start, after: before });
    em.assign(next, { undo: undone }, { mergeObjectProperties: false });
  }
  return takeBack(before, after, now, new Set(regained.map(valueText)));
}

/** A company that the records name may have been merged since. */
async function companyResolver(em: EntityManager, merges: Merge[]): Promise<(content: Content) => Content> {
  const ids = merges.flatMap(({ undo }) => [undo.before.companyId, undo.after.companyId].flatMap((id) => id ?? []));
  const merged = await survivors(em, customerType(), [...new Set(ids)]);
  return (content) => ({ ...content, companyId: merged.get(content.companyId ?? '') ?? content.companyId });
}
