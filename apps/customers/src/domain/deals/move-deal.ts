import type { DealMove, MoveDealRequest } from '@rapport/contracts/rapport/sales/v1/deal_moves_service';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import type { StatementTransaction } from '@rapport/persistence';
import { invalidArgument } from '@rapport/platform';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { changeRecord, readForChange } from '../../engine/write/write-record.js';
import { DealOrder, type Gap } from './deal-order.js';
import { deals } from './deals.js';
import { rankOfEntry } from './rank.js';

/** Handles MoveDeal. */
export async function moveDeal(transaction: StatementTransaction, { id, move, etag }: MoveDealRequest): Promise<Deal> {
  if (!move) throw invalidArgument([{ field: 'move', reason: 'REQUIRED', description: 'is required' }]);
  await DealOrder.lock(transaction);
  const neighbor = await neighborOf(transaction, id, move);
  const target = { pipelineId: move.pipelineId ?? neighbor?.pipelineId, stage: move.stage ?? neighbor?.stage };
  const wanted = { ...deals.empty(), ...(target.pipelineId !== undefined && { pipelineId: target.pipelineId }) };
  const { record, ...known } = await readForChange(transaction, deals, id, wanted);
  const before = await liveRecord(transaction, deals, id, record);
  const stage = { pipelineId: target.pipelineId ?? before.pipelineId, stage: target.stage ?? before.stage };
  checkStage(move, neighbor, stage);
  const order = await DealOrder.of(transaction, stage, id);
  const gap = await gapOf(order, move, neighbor);
  const isThere = before.pipelineId === stage.pipelineId && before.stage === stage.stage && isIn(gap, before.rank);
  const rank = isThere ? before.rank : await rankIn(order, gap, id);
  const changes = { ...before, ...stage, rank };
  return changeRecord(transaction, deals, before, known, { changes, mask: ['pipelineId', 'stage', 'rank'], etag });
}

/** @throws AppError INVALID_ARGUMENT for a neighbor that is the deal itself, or that the caller cannot see */
async function neighborOf(
  transaction: StatementTransaction,
  id: string,
  { beforeId, afterId }: DealMove,
): Promise<Deal | undefined> {
  if (beforeId !== undefined && afterId !== undefined) {
    throw refused('afterId', 'CONFLICTING_FIELDS', 'can not be set together with beforeId');
  }
  const neighborId = beforeId ?? afterId;
  if (neighborId === undefined) return undefined;
  const field = beforeId === undefined ? 'afterId' : 'beforeId';
  if (neighborId === id) throw refused(field, 'SAME_RECORD', 'must be the id of another deal');
  const rows = await transaction.rows<StoredRecord<Deal>>(liveRecords(deals, [neighborId]));
  const [neighbor] = await openStored(deals, rows);
  if (!neighbor) throw refused(field, 'DEAL_NOT_FOUND', 'must be the id of a live deal');
  return neighbor;
}

function checkStage(
  { beforeId }: DealMove,
  neighbor: Deal | undefined,
  { pipelineId, stage }: { pipelineId: string; stage: string },
): void {
  if (!neighbor || (neighbor.pipelineId === pipelineId && neighbor.stage === stage)) return;
  const field = beforeId === undefined ? 'afterId' : 'beforeId';
  throw refused(field, 'OTHER_STAGE', 'must be the id of a deal in the stage that the deal moves to');
}

function gapOf(order: DealOrder, { beforeId }: DealMove, neighbor: Deal | undefined): Promise<Gap> {
  if (!neighbor?.rank) return order.before(undefined);
  return beforeId === undefined ? order.after(neighbor.rank) : order.before(neighbor.rank);
}

/** At the end of a stage, a deal goes behind those that are created or enter at the same time. */
async function rankIn(order: DealOrder, gap: Gap, id: string): Promise<string> {
  const last = rankOfEntry(id, new Date().toISOString());
  return gap.high === undefined && (gap.low === undefined || gap.low < last) ? last : order.rankIn(gap);
}

function isIn({ low, high }: Gap, rank = ''): boolean {
  return (low === undefined || rank > low) && (high === undefined || rank < high);
}

function refused(field: string, reason: string, description: string) {
  return invalidArgument([{ field: `move.${field}`, reason, description }]);
}
