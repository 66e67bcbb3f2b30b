import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { DealStatus } from '@rapport/contracts/rapport/sales/v1/deal';
import { StageKind, type Pipeline, type Stage } from '@rapport/contracts/rapport/sales/v1/pipeline';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller, invalidField } from '@rapport/platform';
import type { LockedDeal } from './move-deal.js';
import { oneOfStages } from './stage-rules.js';

/**
 * The stage of a kind that a deal moves to.
 *
 * @param wanted key of the stage; by default the first one of the kind
 * @param field of the request with the stage
 */
export function stageOfKind(
  { stages }: Pipeline,
  kind: StageKind,
  { wanted, field }: { wanted: string | undefined; field: string },
): Pick<Deal, 'stage'> {
  const stage = stages.find((each) => (wanted === undefined ? each.kind === kind : each.key === wanted));
  if (!stage && wanted === undefined)
    throw invalidField(field, 'NO_SUCH_STAGE', `is required: the pipeline has no stage of kind ${nameOf(kind)}`);
  if (!stage) throw invalidField(field, 'STAGE_UNKNOWN', oneOfStages(stages));
  if (stage.kind !== kind) throw invalidField(field, 'KIND_MISMATCH', `must be a stage of kind ${nameOf(kind)}`);
  return { stage: stage.key };
}

/** The stage that a closed deal returns to: by default the last open one that it was in. */
export async function stageToReopen(
  transaction: StatementTransaction,
  { deal, pipeline }: LockedDeal,
  { wanted, field }: { wanted: string | undefined; field: string },
): Promise<Partial<Deal>> {
  if (deal.status === DealStatus.OPEN) {
    throw new AppError('FAILED_PRECONDITION', 'DEAL_OPEN', 'The deal is not closed.');
  }
  const open = pipeline.stages.filter(({ kind }) => kind === StageKind.OPEN);
  const last = wanted ?? (await lastStage(transaction, deal, open));
  return { ...stageOfKind(pipeline, StageKind.OPEN, { wanted: last, field }), lostReason: undefined };
}

/** Key of the stage that a deal was last in, among some stages of its pipeline. */
async function lastStage(
  transaction: StatementTransaction,
  { id, pipelineId }: Deal,
  stages: readonly Stage[],
): Promise<string | undefined> {
  const [entry] = await transaction.rows<{ stage: string }>({
    name: 'last_stage_of_deal',
    sql: `select stage from stage_entry
      where tenant_id = $1 and deal_id = $2 and pipeline_id = $3 and stage = any ($4) and delete_time is null
      order by enter_time desc, id desc limit 1`,
    values: [currentCaller().tenantId, id, pipelineId, stages.map(({ key }) => key)],
  });
  return entry?.stage;
}

function nameOf(kind: StageKind): string {
  return StageKind[kind].replace('STAGE_KIND_', '');
}
