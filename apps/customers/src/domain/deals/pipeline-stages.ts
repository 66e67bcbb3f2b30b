import type { Pipeline, Stage } from '@rapport/contracts/rapport/sales/v1/pipeline';
import type {
  AddStageRequest,
  ArchivePipelineRequest,
  ArchivePipelineResponse,
  RemoveStageRequest,
  RemoveStageResponse,
  ReorderStagesRequest,
} from '@rapport/contracts/rapport/sales/v1/pipeline_stages_service';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller, invalidField, permissionMissing } from '@rapport/platform';
import { liveRecord } from '../../engine/records/missing-record.js';
import { checkNamedOwners } from '../../engine/records/scope/named-owners.js';
import { within } from '../../engine/values/within.js';
import { changeRecord, deleteRecord, readForChange } from '../../engine/write/write-record.js';
import { pipelines } from '../pipelines/pipelines.js';
import { DealOrder } from './deal-order.js';
import { moveDeals } from './move-deals.js';
import { oneOfStages } from './stage-rules.js';

/** Handles AddStage. */
export async function addStage(transaction: StatementTransaction, request: AddStageRequest): Promise<Pipeline> {
  const { stage, before } = request.addition ?? { stage: undefined, before: undefined };
  if (!stage) throw invalidField('addition.stage', 'REQUIRED', 'is required');
  const added: Pipeline = { ...pipelines.empty(), stages: [stage] };
  await within({ 'pipeline.stages[0]': 'addition.stage' }, () => checkNamedOwners(pipelines, added));
  return changeStages(transaction, request, ({ stages }) => {
    const place = before === undefined ? stages.length : placeOf(stages, before, 'addition.before');
    return { stages: stages.toSpliced(place, 0, stage) };
  });
}

/** Handles ReorderStages. */
export function reorderStages(transaction: StatementTransaction, request: ReorderStagesRequest): Promise<Pipeline> {
  const keys = request.order?.stages ?? [];
  return changeStages(transaction, request, ({ stages }) => {
    const isSame = keys.length === stages.length && stages.every(({ key }) => keys.includes(key));
    if (!isSame)
      throw invalidField('order.stages', 'STAGES_DIFFER', 'must have the key of each stage of the pipeline once');
    return { stages: stages.toSorted((one, other) => keys.indexOf(one.key) - keys.indexOf(other.key)) };
  });
}

/** Handles RemoveStage. */
export async function removeStage(
  transaction: StatementTransaction,
  request: RemoveStageRequest,
): Promise<RemoveStageResponse> {
  const { removal, id } = request;
  if (!removal) throw invalidField('removal', 'REQUIRED', 'is required');
  checkMayMoveDeals();
  const { stage, moveTo } = removal;
  if (stage === moveTo) throw invalidField('removal.moveTo', 'SAME_STAGE', 'must be the key of another stage');
  await DealOrder.lock(transaction);
  let movedDeals = 0;
  const pipeline = await changeStages(transaction, request, async ({ stages, transitionPairs }) => {
    placeOf(stages, stage, 'removal.stage');
    placeOf(stages, moveTo, 'removal.moveTo');
    const to = { pipelineId: id, stage: moveTo, field: 'removal.moveTo' };
    movedDeals = await moveDeals(transaction, { pipelineId: id, stage }, { ...to, ...howOf(removal) });
    return {
      stages: stages.filter(({ key }) => key !== stage),
      transitionPairs: transitionPairs.filter((pair) => pair.from !== stage && pair.to !== stage),
    };
  });
  return { pipeline, movedDeals };
}

/** Handles ArchivePipeline. */
export async function archivePipeline(
  transaction: StatementTransaction,
  request: ArchivePipelineRequest,
): Promise<ArchivePipelineResponse> {
  const { archival, id } = request;
  if (!archival) throw invalidField('archival', 'REQUIRED', 'is required');
  checkMayMoveDeals();
  const { moveToPipelineId: pipelineId, moveToStage: stage } = archival;
  if (pipelineId === id) throw invalidField('archival.moveToPipelineId', 'SAME_PIPELINE', 'must be another pipeline');
  await DealOrder.lock(transaction);
  const { record } = await readForChange(transaction, pipelines, id);
  await liveRecord(transaction, pipelines, id, record);
  let movedDeals = 0;
  if (pipelineId !== undefined) {
    if (stage === undefined) throw invalidField('archival.moveToStage', 'REQUIRED', 'is required');
    const { record: target } = await readForChange(transaction, pipelines, pipelineId);
    if (!target || target.deleteTime !== undefined) {
      throw invalidField('archival.moveToPipelineId', 'PIPELINE_NOT_FOUND', 'must be the id of a live pipeline');
    }
    placeOf(target.stages, stage, 'archival.moveToStage');
    const to = { pipelineId, stage, field: 'archival.moveToStage' };
    movedDeals = await moveDeals(transaction, { pipelineId: id }, { ...to, ...howOf(archival) });
  }
  // Refused while deals refer to it.
  const pipeline = await deleteRecord(transaction, pipelines, request);
  return { pipeline, movedDeals };
}

async function changeStages(
  transaction: StatementTransaction,
  { id, etag }: { id: string; etag?: string | undefined },
  change: (pipeline: Pipeline) => Partial<Pipeline> | Promise<Partial<Pipeline>>,
): Promise<Pipeline> {
  const { record, ...known } = await readForChange(transaction, pipelines, id);
  const before = await liveRecord(transaction, pipelines, id, record);
  const changes = { ...before, ...(await change(before)) };
  const mask = ['stages', 'transitionPairs'];
  return changeRecord(transaction, pipelines, before, known, { changes, mask, etag });
}

/** @throws AppError PERMISSION_DENIED PERMISSION_MISSING */
function checkMayMoveDeals(): void {
  const permission = 'deals.write';
  if (!currentCaller().permissions.includes(permission)) throw permissionMissing(permission);
}

function howOf({ reason, override }: { reason?: string | undefined; override?: boolean | undefined }) {
  return { reason, isOverriding: override === true };
}

function placeOf(stages: readonly Stage[], key: string, field: string): number {
  const place = stages.findIndex((stage) => stage.key === key);
  if (place < 0) throw invalidField(field, 'STAGE_UNKNOWN', oneOfStages(stages));
  return place;
}
