import type { EntityManager } from '@mikro-orm/postgresql';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import type { DealMergeResult, UndoDealMergeRequest } from '@rapport/contracts/rapport/sales/v1/deal_merges_service';
import {
  beyondScope,
  checkEtag,
  etagVersion,
  inOpenTransaction,
  transactionPipeline,
  type StatementTransaction,
} from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { lockMerges } from '../../../engine/merge/lock-merges.js';
import { moveRecordsBack } from '../../../engine/merge/moving/move-references.js';
import { RestoredMerges, restoreLinks } from '../../../engine/merge/restore-links.js';
import { notFound } from '../../../engine/records/record-changes.js';
import { recordLinks } from '../../../engine/records/referring/link-tables.js';
import { changeRecord, readAllForChange, restoreRecord } from '../../../engine/write/write-record.js';
import { deals } from '../deals.js';
import { forgetMerge, mergeOf, movedCount, type KeptMerge } from './deal-merge.js';
import { changedFields } from './merge-deals.js';
import { takeBack } from './united-deal.js';

/** Handles UndoDealMerge. Runs in a transaction. */
export async function undoDealMerge(em: EntityManager, request: UndoDealMergeRequest): Promise<DealMergeResult> {
  await lockMerges(em);
  const { kept, ...result } = await inOpenTransaction(em, (transaction) => write(transaction, request));
  // All that the merge moved goes back, including records that the caller cannot see.
  await transactionPipeline(em, [beyondScope]);
  const [from, to] = [result.deal.id, result.merged.id];
  await moveRecordsBack(em, deals, { from, to }, kept.moved);
  const merges = new RestoredMerges();
  await restoreLinks({ em, table: recordLinks, merges }, kept.links, { customerId: from, restoredId: to });
  await merges.save(em);
  return { ...result, movedCount: movedCount(kept.moved, kept.links) };
}

/** Changes the surviving deal, which releases external ids, and then restores the merged one. */
async function write(
  transaction: StatementTransaction,
  { id, etag }: UndoDealMergeRequest,
): Promise<{ deal: Deal; merged: Deal; keptFields: string[]; kept: KeptMerge }> {
  const merge = await mergeOf(transaction, id);
  const ids = merge ? [id, merge.survivor_id] : [id];
  const { records, ...known } = await readAllForChange(transaction, deals, ids);
  const given = records.get(id);
  if (!given || (!merge && given.deleteTime)) throw notFound(deals);
  if (!merge) throw new AppError('FAILED_PRECONDITION', 'DEAL_NOT_MERGED', 'The deal was not merged.');
  checkEtag(etag, etagVersion(given.etag));
  const survivor = records.get(merge.survivor_id);
  if (!survivor) throw notFound(deals);
  refuseBuiltUpon(survivor, merge.later_id);
  const { deal: changes, keptFields } = takeBack(survivor, given, merge.added);
  const mask = changedFields(survivor, changes);
  const deal = await changeRecord(transaction, deals, survivor, known, { changes, mask });
  const merged = await restoreRecord(transaction, deals, given, known, { mergedIntoId: undefined });
  transaction.later(forgetMerge(id));
  return { deal, merged, keptFields, kept: merge };
}

function refuseBuiltUpon(survivor: Deal, laterId: string | null): void {
  const mergedId = survivor.mergedIntoId === undefined ? laterId : survivor.id;
  if (mergedId !== null) {
    const message = `A later merge builds on this one. Undo the merge of the deal ${mergedId} first.`;
    throw new AppError('FAILED_PRECONDITION', 'MERGE_BUILT_UPON', message, { metadata: { mergedId } });
  }
  if (survivor.deleteTime === undefined) return;
  const message = 'The surviving deal is deleted. Undelete it first.';
  throw new AppError('FAILED_PRECONDITION', 'DEAL_DELETED', message, { metadata: { dealId: survivor.id } });
}
