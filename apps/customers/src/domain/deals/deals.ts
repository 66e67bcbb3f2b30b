import { DealStatus, type Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { DealsServiceService } from '@rapport/contracts/rapport/sales/v1/deals_service';
import { StageKind, StageTransitions, type Pipeline, type Stage } from '@rapport/contracts/rapport/sales/v1/pipeline';
import type { FieldViolation } from '@rapport/platform';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { categoryOfStatus, categoryViolations, forecastOf } from './deal-forecast.js';
import { rankOfEntry, rankOfNew } from './rank.js';
import { enterStages } from './stage-entries.js';

/** Deals: possible sales, each in a stage of a pipeline. */
export const deals = defineRecord<Deal>('rapport/Deal', DealsServiceService, {
  indexVersion: 3,
  needs: ['pipelineId'],
  guard: (change) => [
    ...stageViolations(change),
    ...categoryViolations(change.after.forecastCategory, 'forecastCategory'),
  ],
  stamp({ before, after, needs }, now) {
    const hasEntered = hasMoved(before, after);
    const stage = stageOf(needs, after.stage);
    const status = stage ? statusOf(stage) : after.status;
    const hasClosed = hasEntered || before?.status !== status;
    const moment = later(now, before?.stageTime);
    const closeTime = status === DealStatus.OPEN ? undefined : hasClosed ? moment : before.closeTime;
    const rank = rankAfter(before, after, moment);
    const stageTime = hasEntered ? moment : before?.stageTime;
    return { status, closeTime, stageTime, rank, ...forecastOf(after, status, stage) };
  },
  lacking: lackingFields,
  detail: ({ stage }) => stage,
  openStatuses: ['OPEN'],
  also: (changes) => enterStages(changes.filter(({ before, after }) => hasMoved(before, after))),
});

export const DealsController = recordController(deals, DealsServiceService);

/** What deals of earlier releases lack. */
function lackingFields({ id, rank, status, effectiveForecastCategory: category }: Deal): Partial<Deal> | undefined {
  if (rank !== undefined && category) return undefined;
  return { rank: rank ?? rankOfNew(id), effectiveForecastCategory: category || categoryOfStatus(status) };
}

/** The rank of a stored deal. A move to a position has set that of `after`. */
function rankAfter(before: Deal | undefined, after: Deal, entered: string | undefined): string | undefined {
  if (!before) return rankOfNew(after.id);
  const hasRank = after.rank !== before.rank || !hasMoved(before, after);
  return hasRank ? after.rank : rankOfEntry(after.id, entered ?? '');
}

/** The clock of another process may be ahead: the leave time is never before the enter time. */
function later(now: string | undefined, entered: string | undefined): string | undefined {
  return Date.parse(entered ?? '') > Date.parse(now ?? '') ? entered : now;
}

/** Checks the stage of a deal: it exists, the pipeline allows the transition, and its guards are met. */
function stageViolations({ before, after, needs }: RecordChange<Deal>): FieldViolation[] {
  const pipeline = needs['pipelineId'] as Pipeline | undefined;
  // A violation already reports the missing pipeline.
  if (!pipeline) return [];
  const stage = stageOf(needs, after.stage);
  if (!stage) return [violation('stage', 'UNKNOWN_STAGE', 'must be the key of a stage of the pipeline')];
  if (!hasMoved(before, after)) return [];
  const isWithin = before?.pipelineId === after.pipelineId;
  if (isWithin && !mayEnter(pipeline, before.stage, stage)) {
    return [violation('stage', 'STAGE_TRANSITION', `can not be entered from ${before.stage}`)];
  }
  return stage.guards.flatMap(({ fields, message }) =>
    fields
      .filter((path) => !hasValue(after, path))
      .map((path) => violation(path, 'REQUIRED', message ?? `must be set in the stage ${stage.key}`)),
  );
}

function violation(field: string, reason: string, description: string): FieldViolation {
  return { field, reason, description };
}

function hasMoved(before: Deal | undefined, after: Deal): boolean {
  return before?.stage !== after.stage || before.pipelineId !== after.pipelineId;
}

function mayEnter({ transitions, transitionPairs, stages }: Pipeline, from: string, to: Stage): boolean {
  switch (transitions) {
    case StageTransitions.NEXT_ONLY: {
      const place = stages.findIndex(({ key }) => key === from);
      const isOpen = stages[place]?.kind === StageKind.OPEN;
      return isOpen && (stages[place + 1]?.key === to.key || to.kind === StageKind.LOST);
    }
    case StageTransitions.LISTED:
      return transitionPairs.some((pair) => pair.from === from && pair.to === to.key);
    default:
      return true;
  }
}

function stageOf(needs: RecordChange<Deal>['needs'], key: string): Stage | undefined {
  return (needs['pipelineId'] as Pipeline | undefined)?.stages.find((stage) => stage.key === key);
}

function statusOf({ kind }: Stage): DealStatus {
  switch (kind) {
    case StageKind.WON:
      return DealStatus.WON;
    case StageKind.LOST:
      return DealStatus.LOST;
    default:
      return DealStatus.OPEN;
  }
}

/** Whether a deal has what a guard requires. @param path such as `amount` or `customFields.plan` */
function hasValue(deal: Deal, path: string): boolean {
  const [name = '', key] = path.split('.');
  const value = (deal as unknown as Record<string, unknown>)[name];
  // 0 is UNSPECIFIED in an enum of the contract, and an ordinary number in a custom field.
  if (key === undefined) return isSet(value) && value !== 0;
  const values = (value ?? {}) as Record<string, unknown>;
  return Object.hasOwn(values, key) && isSet(values[key]);
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== '';
}
