import type { DealMove } from '@rapport/contracts/rapport/sales/v1/deal_moves_service';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import type { Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, invalidField } from '@rapport/platform';
import { outputOnlyViolations } from '../../engine/records/apply-update.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { fieldIn } from '../../engine/records/record-changes.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { presentFields, readUpdateMask } from '../../engine/records/update-mask.js';
import { neededLinks } from '../../engine/records/references.js';
import { checkNamedOwners } from '../../engine/records/scope/named-owners.js';
import type { UniqueValue } from '../../engine/records/unique-values.js';
import { within } from '../../engine/values/within.js';
import { changeRecord, readForChange, type Known } from '../../engine/write/write-record.js';
import { DealOrder, type Gap, type StageOfPipeline } from './deal-order.js';
import { deals } from './deals.js';
import { rankOfEntry } from './rank.js';
import { isOverridable } from './stage-rules.js';

/** What a call wants to become of a deal. */
export interface DealTarget {
  id: string;
  etag?: string | undefined;
  /** The field of the request with the move. */
  field: string;
  move: DealMove | undefined;
  /** The field of the request with the reason of a loss; one of the fields to set when absent. */
  lostReasonField?: string;
  /** Decides about what `move` leaves open, once the deal is locked. Other fields of the deal are those of an update. */
  choose?: (deal: LockedDeal) => Promise<Partial<Deal>> | Partial<Deal>;
}

/** A deal to move, and the pipeline that it is in. */
export interface LockedDeal {
  deal: Deal;
  pipeline: Pipeline;
}

/** Moves a deal, and changes its fields in the same write. All moves of one deal are made here. */
export async function moveDeal(transaction: StatementTransaction, target: DealTarget): Promise<Deal> {
  const { id, move, field, etag } = target;
  if (!move) throw invalidField(field, 'REQUIRED', 'is required');
  const isWaived = move.override === true ? overriding() : undefined;
  const set = fieldsToSet(move, field);
  await DealOrder.lock(transaction);
  const neighbor = await neighborOf(transaction, id, move, field);
  const pipelineId = move.pipelineId ?? neighbor?.pipelineId;
  const sent = { ...deals.empty(), ...set, ...(pipelineId !== undefined && { pipelineId }) };
  const { record, ...known } = await readForChange(transaction, deals, id, sent);
  const before = await liveRecord(transaction, deals, id, record);
  await withinMove(target, () => checkNamedOwners(deals, sent, { before, mask: Object.keys(set) }));
  await known.linked.lock(transaction, neededLinks(deals, before));
  const chosen = await target.choose?.({ deal: before, pipeline: pipelineOf(known, before) });
  const stage = {
    pipelineId: pipelineId ?? before.pipelineId,
    stage: chosen?.stage ?? move.stage ?? neighbor?.stage ?? before.stage,
  };
  checkStage(move, neighbor, stage, field);
  const rank = await rankAt(transaction, before, { stage, move, neighbor });
  const changes = { ...before, ...set, ...chosen, ...stage, rank };
  const mask = [...new Set([...Object.keys({ ...set, ...chosen, ...stage }), 'rank'])];
  const fieldOf = (value: UniqueValue) => fieldIn(deals)(value).replace(/^deal/, `${field}.set`);
  const wanted = { changes, mask, etag, fieldOf, reason: move.reason, isWaived };
  return withinMove(target, () => changeRecord(transaction, deals, before, known, wanted));
}

/** Violations name what the request has: the destination, or else a field to set with the move. */
function withinMove<Result>(
  { field, move, lostReasonField }: DealTarget,
  work: () => Promise<Result>,
): Promise<Result> {
  const neighborField = move?.beforeId !== undefined ? 'beforeId' : move?.afterId !== undefined ? 'afterId' : undefined;
  const stageField = move?.stage === undefined ? (neighborField ?? 'stage') : 'stage';
  const places = {
    deal: `${field}.set`,
    'deal.pipelineId': `${field}.${move?.pipelineId === undefined ? stageField : 'pipelineId'}`,
    'deal.stage': `${field}.${stageField}`,
    ...(lostReasonField !== undefined && { 'deal.lostReason': lostReasonField }),
  };
  return within(places, work);
}

/** @throws AppError PERMISSION_DENIED for a caller that can not change the pipeline */
function overriding(): typeof isOverridable {
  if (currentCaller().permissions.includes('pipelines.configure')) return isOverridable;
  const message = 'An override requires the permission pipelines.configure.';
  throw new AppError('PERMISSION_DENIED', 'OVERRIDE_NOT_ALLOWED', message);
}

/** The fields that a move or a copy sets. @throws AppError INVALID_ARGUMENT for those that it moves the deal by */
export function fieldsToSet({ set, updateMask }: Pick<DealMove, 'set' | 'updateMask'>, field: string): Partial<Deal> {
  if (!set) return {};
  if (!updateMask) refuseOutputOnly(set, field);
  const names = updateMask ? readUpdateMask(deals, updateMask) : presentFields(deals, set);
  const moved = names.find((name) => name === 'stage' || name === 'pipelineId');
  if (moved !== undefined) throw invalidField(`${field}.set.${moved}`, 'NOT_ALLOWED', 'can not be set here');
  return Object.fromEntries(names.map((name) => [name, (set as unknown as Record<string, unknown>)[name]]));
}

/** @throws AppError INVALID_ARGUMENT for fields that only the service sets. A mask names those that it uses. */
function refuseOutputOnly(set: Deal, field: string): void {
  const violations = outputOnlyViolations(deals, set);
  if (violations.length === 0) return;
  throw invalidArgument(violations.map((each) => ({ ...each, field: `${field}.set.${each.field}` })));
}

/** The pipeline of a live deal is live: it can not be deleted meanwhile. */
function pipelineOf({ linked }: Known, deal: Deal): Pipeline {
  const pipeline = linked.change(deals, deal, deal).needs['pipelineId'];
  if (!pipeline) throw new Error(`The pipeline of the deal ${deal.id} is not live.`);
  return pipeline as Pipeline;
}

async function rankAt(
  transaction: StatementTransaction,
  { id, pipelineId, stage: key, rank }: Deal,
  { stage, move, neighbor }: { stage: StageOfPipeline; move: DealMove; neighbor: Deal | undefined },
): Promise<string | undefined> {
  const order = await DealOrder.of(transaction, stage, id);
  const gap = await gapOf(order, move, neighbor);
  const isThere = pipelineId === stage.pipelineId && key === stage.stage && isIn(gap, rank);
  if (isThere) return rank;
  const free = await rankIn(order, gap, id);
  // To `rankAfter`, a deal that keeps its rank in another stage has no place there yet.
  return free === rank ? rankIn(order, { low: gap.low, high: free }, id) : free;
}

/** @throws AppError INVALID_ARGUMENT for a neighbor that is the deal itself, or that the caller cannot see */
async function neighborOf(
  transaction: StatementTransaction,
  id: string,
  { beforeId, afterId }: DealMove,
  within: string,
): Promise<Deal | undefined> {
  if (beforeId !== undefined && afterId !== undefined) {
    throw invalidField(`${within}.afterId`, 'CONFLICTING_FIELDS', 'can not be set together with beforeId');
  }
  const neighborId = beforeId ?? afterId;
  if (neighborId === undefined) return undefined;
  const field = beforeId === undefined ? 'afterId' : 'beforeId';
  if (neighborId === id) throw invalidField(`${within}.${field}`, 'SAME_RECORD', 'must be the id of another deal');
  const rows = await transaction.rows<StoredRecord<Deal>>(liveRecords(deals, [neighborId]));
  const [neighbor] = await openStored(deals, rows);
  if (!neighbor) throw invalidField(`${within}.${field}`, 'DEAL_NOT_FOUND', 'must be the id of a live deal');
  return neighbor;
}

function checkStage(
  { beforeId }: DealMove,
  neighbor: Deal | undefined,
  { pipelineId, stage }: StageOfPipeline,
  within: string,
): void {
  if (!neighbor || (neighbor.pipelineId === pipelineId && neighbor.stage === stage)) return;
  const field = beforeId === undefined ? 'afterId' : 'beforeId';
  throw invalidField(
    `${within}.${field}`,
    'OTHER_STAGE',
    'must be the id of a deal in the stage that the deal moves to',
  );
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
