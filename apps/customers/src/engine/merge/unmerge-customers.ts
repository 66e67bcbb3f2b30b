import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type {
  UnmergeCustomersRequest,
  UnmergeCustomersResponse,
} from '@rapport/contracts/rapport/customers/v1/merges_service';
import { beyondScope, queryRows, transactionPipeline } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { CustomFields } from '../fields/custom-fields.js';
import { claimValues, ownedValues, releaseValues, valueText } from '../records/claim-unique-values.js';
import { referencedId } from '../records/customers/customer.entity.js';
import { customerType } from '../records/customers/customer-type.js';
import { survivors } from '../records/missing-record.js';
import { nextChange, notFound } from '../records/record-changes.js';
import { openStored, rowReader, shownColumns, type StoredRecord } from '../records/record-rows.js';
import { linkTables } from '../records/referring/link-tables.js';
import { updateRecords } from '../records/record-statements.js';
import { type UniqueValue, uniqueValues, without } from '../records/unique-values.js';
import { findMergeInForce, findMergeToUndo } from './find-merge.js';
import { lockCustomers, lockMerges } from './lock-merges.js';
import { putMerged, withContent } from './merge-customers.js';
import { mergeMessage } from './merge-message.js';
import { noLinks, openUndo, storedUndo, type MergeUndo } from './merge-undo.js';
import type { Merge } from './merge.entity.js';
import { contentOf, unite, type Content } from './merged-content.js';
import { moveReferencesBack } from './moving/move-references.js';
import { RestoredMerges, restoreLinks } from './restore-links.js';
import { revert, type Reverted } from './three-way.js';

/** A merge that was undone. */
export interface UndoneMerge {
  survivorId: string;
  restored: Customer;
  mergeTime: Date;
}

/** What follows elsewhere from the undo of a merge. Folders of the domain are above this one. */
export abstract class UndoFollower {
  /** Runs in the transaction of the undo, after it. */
  abstract followUndo(em: EntityManager, undone: UndoneMerge): Promise<void>;
}

/** Handles UnmergeCustomers. Runs in a transaction. */
export async function unmergeCustomers(
  em: EntityManager,
  { id }: UnmergeCustomersRequest,
  follower: UndoFollower,
): Promise<UnmergeCustomersResponse> {
  const { merge, customer, merged } = await lockMerge(em, id);
  await checkInForce(em, merge, customer);
  // All records that the merge moved go back, including those that the caller cannot see.
  await transactionPipeline(em, [beyondScope]);
  const { undo } = merge;
  const regained = undo.mergedDeleteTime === undefined ? uniqueValues(customerType(), merged) : [];
  const { content, keptFields } = await takeMergeBack(em, merge, contentOf(customer), regained);
  const stays = withContent(customer, content);
  const restored: Customer = {
    ...merged,
    ...nextChange(merged),
    deleteTime: undo.mergedDeleteTime,
    mergedIntoId: undefined,
  };
  em.assign(merge, { undoTime: new Date(), undoneBy: currentCaller().principalId });
  await em.flush();

  const [had, has] = [uniqueValues(customerType(), customer), uniqueValues(customerType(), stays)];
  const claims = [...ownedValues(customer.id, without(has, had)), ...ownedValues(merged.id, regained)];
  const customFields = await CustomFields.load(em, customerType());
  await transactionPipeline(em, [
    updateRecords(customerType(), [stays], customFields),
    putMerged(restored),
    ...releaseValues(customerType(), ownedValues(customer.id, without(had, has))),
    ...claimValues(customerType(), claims, () => 'id'),
  ]);
  await moveReferencesBack(em, { from: customer.id, to: merged.id }, undo);
  const merges = new RestoredMerges();
  for (const table of linkTables) {
    const ids = { customerId: customer.id, restoredId: merged.id };
    await restoreLinks({ em, table, merges }, undo[table.undo] ?? noLinks, ids);
  }
  await merges.save(em);
  await follower.followUndo(em, { survivorId: customer.id, restored, mergeTime: merge.createTime });
  return { customer: stays, restored, keptFields, merge: mergeMessage(merge) };
}

/** Merges change only while `lockMerges` is held, so the row itself is not locked. */
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
    throw new AppError('FAILED_PRECONDITION', 'MERGE_UNDONE', 'The merge was already undone.');
  }
  if (customer.mergedIntoId !== undefined) {
    const { id: mergeId } = await findMergeInForce(em, customer.id);
    const message = `The surviving customer was merged itself. Undo the merge ${mergeId} first.`;
    throw new AppError('FAILED_PRECONDITION', 'MERGE_BUILT_UPON', message, { metadata: { mergeId } });
  }
  if (customer.deleteTime) {
    const metadata = { customerId: customer.id };
    const message = 'The surviving customer is deleted. Undelete it first.';
    throw new AppError('FAILED_PRECONDITION', 'CUSTOMER_DELETED', message, { metadata });
  }
}

/** Most later merges that one undo replays. */
const maxLater = 1_000;
/** Each has the content of a customer twice, and of the merged one. */
const replayedAtOnce = 20;

/** The part of a merge that a replay changes. */
interface LaterMerge {
  id: string;
  merged_id: string;
  undo: MergeUndo;
}

/**
 * Removes one merge from the content of the surviving customer. Replays later merges into it without this one and
 * updates their undo data, so that merges can be undone in any order. Ids give the order of merges (see `nextMergeId`).
 *
 * @throws AppError FAILED_PRECONDITION TOO_MANY_LATER_MERGES
 */
async function takeMergeBack(
  em: EntityManager,
  merge: Merge,
  now: Content,
  regained: UniqueValue[],
): Promise<Reverted> {
  await refuseTooMany(em, merge);
  const undo = await openUndo(merge.undo);
  const resolve = await companyResolver(em, [undo]);
  let [before, after] = [resolve(undo.before), resolve(undo.after)];
  const replay = async (later: readonly LaterMerge[]) => {
    const mergedContents = await contentsOf(
      em,
      later.map(({ merged_id }) => merged_id),
    );
    const resolveLater = await companyResolver(
      em,
      later.map((next) => next.undo),
    );
    const replayed: Pick<LaterMerge, 'id' | 'undo'>[] = [];
    for (const next of later) {
      const mergedContent = mergedContents.get(next.merged_id);
      if (!mergedContent) throw new Error('A merge has two customers.');
      const nextUndo = await openUndo(next.undo);
      const start = revert(before, after, resolveLater(nextUndo.before)).content;
      before = unite(start, mergedContent, new Set(nextUndo.preferMerged));
      after = resolveLater(nextUndo.after);
      const undone = { ...nextUndo, before: start, after: before };
      replayed.push({ id: next.id, undo: storedUndo(referencedId(merge.customer), undone) });
    }
    await putUndo(em, replayed);
  };
  for (let later = await laterMerges(em, merge, merge.id); later.length > 0;) {
    await replay(later);
    later = await laterMerges(em, merge, later.at(-1)?.id ?? '');
  }
  return revert(before, after, now, new Set(regained.map(valueText)));
}

async function refuseTooMany(em: EntityManager, { tenantId, customer, id }: Merge): Promise<void> {
  const [row] = await queryRows<{ count: number }>(em, {
    name: 'count_later_merges',
    sql: `select count(*)::int as count from (select from customer_merge
        where tenant_id = $1 and customer_id = $2 and undo_time is null and id > $3 limit ${maxLater + 1}) later`,
    values: [tenantId, referencedId(customer), id],
  });
  if (row !== undefined && row.count <= maxLater) return;
  const message = `More than ${maxLater.toLocaleString('en')} later merges into the customer are in force. Undo some of them first.`;
  throw new AppError('FAILED_PRECONDITION', 'TOO_MANY_LATER_MERGES', message);
}

/** The next merges in force into the same customer, the oldest first. */
function laterMerges(em: EntityManager, { tenantId, customer }: Merge, afterId: string): Promise<LaterMerge[]> {
  return queryRows<LaterMerge>(em, {
    name: 'later_merges',
    sql: `select id, merged_id, undo from customer_merge
      where tenant_id = $1 and customer_id = $2 and undo_time is null and id > $3 order by id limit ${replayedAtOnce}`,
    values: [tenantId, referencedId(customer), afterId],
  });
}

/** Writes the contents of undo data, which is all that a replay changes. */
async function putUndo(em: EntityManager, merges: readonly Pick<LaterMerge, 'id' | 'undo'>[]): Promise<void> {
  const contents = merges.map(({ id, undo: { before, after } }) => ({ id, contents: { before, after } }));
  await queryRows(em, {
    name: 'put_replayed_undo',
    sql: `update customer_merge set undo = customer_merge.undo || replayed.contents
      from jsonb_to_recordset($2) as replayed (id uuid, contents jsonb)
      where customer_merge.tenant_id = $1 and customer_merge.id = replayed.id`,
    values: [currentCaller().tenantId, JSON.stringify(contents)],
  });
}

/** Content of customers, by id. */
async function contentsOf(em: EntityManager, ids: readonly string[]): Promise<Map<string, Content>> {
  const rows = await queryRows<StoredRecord<Customer>>(em, {
    name: 'merged_customers',
    sql: `select ${shownColumns(customerType())} from customer where tenant_id = $1 and id = any ($2::uuid[])`,
    values: [currentCaller().tenantId, [...ids]],
    row: rowReader(customerType()),
  });
  const customers = await openStored(customerType(), rows);
  return new Map(customers.map((customer) => [customer.id, contentOf(customer)]));
}

/** Replaces a company that has been merged since by the surviving company. */
async function companyResolver(em: EntityManager, undos: readonly MergeUndo[]): Promise<(content: Content) => Content> {
  const ids = undos.flatMap(({ before, after }) => [before.companyId, after.companyId].flatMap((id) => id ?? []));
  const merged = await survivors(em, customerType(), [...new Set(ids)]);
  return (content) => ({ ...content, companyId: merged.get(content.companyId ?? '') ?? content.companyId });
}
