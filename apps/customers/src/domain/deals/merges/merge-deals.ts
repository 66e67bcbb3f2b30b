import type { EntityManager } from '@mikro-orm/postgresql';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import type {
  DealMerge,
  DealMergeResult,
  MergeDealsRequest,
} from '@rapport/contracts/rapport/sales/v1/deal_merges_service';
import {
  beyondScope,
  checkEtag,
  etagVersion,
  inOpenTransaction,
  transactionPipeline,
  type StatementTransaction,
} from '@rapport/persistence';
import { AppError, invalidArgument, invalidField, type FieldViolation } from '@rapport/platform';
import { liveRecord } from '../../../engine/records/missing-record.js';
import { recordLinks } from '../../../engine/records/referring/link-tables.js';
import { checkSize } from '../../../engine/merge/check-size.js';
import { lockMerges } from '../../../engine/merge/lock-merges.js';
import { moveLinks } from '../../../engine/merge/moving/move-links.js';
import { moveRecordsOf } from '../../../engine/merge/moving/move-references.js';
import { sameValue } from '../../../engine/values/same-value.js';
import { fieldViolations } from '../../../engine/write/record-rules.js';
import { changeRecord, readAllForChange, removeRecord, type Known } from '../../../engine/write/write-record.js';
import { withLiveProducts } from '../../line-items/line-products.js';
import { deals } from '../deals.js';
import { keepMerge, movedCount } from './deal-merge.js';
import { unite, type AddedContent } from './united-deal.js';

/** Handles MergeDeals. Runs in a transaction. */
export async function mergeDeals(em: EntityManager, request: MergeDealsRequest): Promise<DealMergeResult> {
  const merge = sent(request);
  await lockMerges(em);
  const { deal, merged, added } = await inOpenTransaction(em, (transaction) => write(transaction, request, merge));
  // All that refers to the merged deal moves, including records that the caller cannot see.
  await transactionPipeline(em, [beyondScope]);
  await checkSize(em, deals, merged.id, []);
  const move = { from: merged.id, to: deal.id };
  const moved = await moveRecordsOf(em, deals, move);
  const links = await moveLinks(em, recordLinks, move.from, move.to);
  await transactionPipeline(em, [keepMerge(move, { added, moved, links })]);
  return { deal, merged, movedCount: movedCount(moved, links), keptFields: [] };
}

function sent({ id, merge }: MergeDealsRequest): DealMerge {
  if (!merge) throw invalidField('merge', 'REQUIRED', 'is required');
  if (merge.mergedId === id) throw invalidField('merge.mergedId', 'SELF_MERGE', 'must be another deal');
  return merge;
}

/** Deletes the merged deal, which releases its external ids, and then changes the surviving one. */
async function write(
  transaction: StatementTransaction,
  { id, etag }: MergeDealsRequest,
  { mergedId, mergedEtag }: DealMerge,
): Promise<{ deal: Deal; merged: Deal; added: AddedContent }> {
  const { records, ...known } = await readAllForChange(transaction, deals, [id, mergedId]);
  const survivor = await liveRecord(transaction, deals, id, records.get(id));
  const given = records.get(mergedId);
  if (!given || given.deleteTime) {
    throw invalidField('merge.mergedId', 'DEAL_NOT_FOUND', 'must be the id of a live deal');
  }
  checkEtag(etag, etagVersion(survivor.etag));
  checkEtag(mergedEtag, etagVersion(given.etag));
  checkCurrencies(survivor, given);
  const lines = await withLiveProducts(transaction, given.lineItems);
  const { deal: united, added } = unite(survivor, given, { lines, customFields: known.customFields });
  const merged = await removeRecord(transaction, deals, given, known, { mergedIntoId: id });
  return { deal: await changeTo(transaction, survivor, united, known), merged, added };
}

function checkCurrencies(survivor: Deal, merged: Deal): void {
  if (survivor.lineItems.length === 0 || merged.lineItems.length === 0) return;
  if (survivor.lineCurrency === merged.lineCurrency) return;
  const description = `must have lines in ${survivor.lineCurrency}, the currency of the surviving deal`;
  throw invalidField('merge.mergedId', 'CURRENCY_MISMATCH', description);
}

/** @throws AppError INVALID_ARGUMENT that names each rule of a deal that the united one violates */
async function changeTo(transaction: StatementTransaction, before: Deal, changes: Deal, known: Known): Promise<Deal> {
  const mask = changedFields(before, changes);
  refuse(fieldViolations(deals, { ...changes, customFields: undefined }));
  try {
    const fieldOf = () => 'merge.mergedId';
    return await changeRecord(transaction, deals, before, known, { changes, mask, fieldOf });
  } catch (error) {
    if (error instanceof AppError && error.code === 'INVALID_ARGUMENT') {
      refuse(error.violations.map(({ field, ...rest }) => ({ field: field.replace(/^deal\./, ''), ...rest })));
    }
    throw error;
  }
}

function refuse(violations: readonly FieldViolation[]): void {
  if (violations.length === 0) return;
  throw invalidArgument(
    violations.map(({ field, reason, description }) => ({
      field: 'merge.mergedId',
      reason,
      description: `must leave the deal valid: ${field} ${description}`,
    })),
  );
}

/** JSON names of the fields in which two versions of a deal differ. */
export function changedFields(before: Deal, after: Deal): string[] {
  return (Object.keys(after) as (keyof Deal)[]).filter((name) => !sameValue(before[name], after[name]));
}
