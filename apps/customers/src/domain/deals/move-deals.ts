import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { effectsOf } from '../../engine/records/effects.js';
import { nextRecord } from '../../engine/records/record-changes.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { lockRecords, updateRecords } from '../../engine/records/record-statements.js';
import { LinkedRecords, newLinks } from '../../engine/records/references.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import type { StageOfPipeline } from './deal-order.js';
import { deals } from './deals.js';
import { rankOfEntry, ranksBetween } from './rank.js';
import { guardsAgainst, isOverridable } from './stage-rules.js';

/** Which deals move: those of a pipeline, or of one of its stages. */
export interface MovedDeals {
  pipelineId: string;
  stage?: string;
}

/** Where deals move to, and how. */
export interface Destination extends StageOfPipeline {
  reason: string | undefined;
  isOverriding: boolean;
  /** The field of the request with the destination. */
  field: string;
}

/** Most deals that one call moves. */
const maxDeals = 10_000;
/** Deals per round trip. */
const stepSize = 500;
/** Most refused deals that an error names. */
const maxNamed = 20;

/**
 * Moves all live deals of a stage or a pipeline to another stage, in their order. The transaction has locked the order of deals, sees the
 * deals of all owners, and lets no deal enter meanwhile, since it has locked the pipeline.
 *
 * @returns the number of deals
 */
export async function moveDeals(transaction: StatementTransaction, from: MovedDeals, to: Destination): Promise<number> {
  const ids = await idsOf(transaction, from);
  if (ids.length > maxDeals) {
    const message = `More than ${maxDeals} deals would move. Move some of them first.`;
    throw new AppError('FAILED_PRECONDITION', 'TOO_MANY_DEALS', message);
  }
  const now = Date.now();
  const [low, high] = [now, now + 1].map((time) => rankOfEntry(ids[0] ?? '', new Date(time).toISOString()));
  const ranks = ranksBetween(low, high, ids);
  const customFields = await CustomFields.load(transaction, deals);
  const refused: FieldViolation[] = [];
  for (let start = 0; start < ids.length; start += stepSize) {
    const places = new Map(ids.slice(start, start + stepSize).map((id, index) => [id, ranks?.[start + index]]));
    const changes = await changesOf(transaction, places, to);
    const violations = changes.flatMap((change) => violationsOf(change, to));
    refused.push(...violations.slice(0, maxNamed - refused.length));
    if (refused.length > 0) continue;
    const records = changes.map(({ after }) => after);
    await currentSeal()?.prepare(records.map((record) => deals.subjectOf(record)));
    transaction.later(updateRecords(deals, records, customFields), ...effectsOf(deals, changes));
  }
  if (refused.length > 0) throw invalidArgument(refused);
  return ids.length;
}

/** In the order of a board. */
async function idsOf(transaction: StatementTransaction, { pipelineId, stage }: MovedDeals): Promise<string[]> {
  const rows = await transaction.rows<{ id: string }>({
    name: `deals_of_${stage === undefined ? 'pipeline' : 'stage'}`,
    sql: `select id from deal
      where tenant_id = $1 and pipeline_id = $2 ${stage === undefined ? '' : 'and stage = $3'} and delete_time is null
      order by sort_rank, id limit ${maxDeals + 1}`,
    values: [currentCaller().tenantId, pipelineId, ...(stage === undefined ? [] : [stage])],
  });
  return rows.map(({ id }) => id);
}

/** @param places ranks by the ids of deals */
async function changesOf(
  transaction: StatementTransaction,
  places: ReadonlyMap<string, string | undefined>,
  { pipelineId, stage, reason, isOverriding }: Destination,
): Promise<RecordChange<Deal>[]> {
  const ids = [...places.keys()];
  const linked = new LinkedRecords();
  const target = newLinks(deals, { ...deals.empty(), pipelineId }, noCustomFields);
  await linked.lock(transaction, target, { type: deals, ids });
  const stored = await transaction.rows<StoredRecord<Deal>>(lockRecords(deals, ids));
  return (await openStored(deals, stored)).map((before) => {
    const wanted = { ...before, pipelineId, stage, rank: places.get(before.id) };
    const after = nextRecord(deals, before, wanted, linked);
    const change = linked.change(deals, before, after);
    return { ...change, remark: { reason, isOverridden: isOverriding && guardsAgainst(change).length > 0 } };
  });
}

const noCustomFields = new CustomFields([]);

/** Transitions are about single deals: they do not keep a stage from being removed. */
function violationsOf(change: RecordChange<Deal>, { isOverriding, field }: Destination): FieldViolation[] {
  return guardsAgainst(change)
    .filter((violation) => !isOverriding || !isOverridable(violation))
    .map(({ field: path, description }) => ({
      field,
      reason: 'GUARD_VIOLATED',
      description: `refuses the deal ${change.after.id}: ${path} ${description}`,
    }));
}
