import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import {
  GuardAge,
  GuardKind,
  GuardMoment,
  StageKind,
  StageTransitions,
  type Guard,
  type Pipeline,
  type Stage,
} from '@rapport/contracts/rapport/sales/v1/pipeline';
import type { Statement } from '@rapport/persistence';
import { currentCaller, type FieldViolation, type ViolationCode } from '@rapport/platform';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { isMet } from '../pipelines/deal-expression.js';

/** Checks the stage of a deal: it exists, the pipeline allows the transition, and the guards of both stages are met. */
export function stageViolations(change: RecordChange<Deal>): FieldViolation[] {
  const { before, after } = change;
  const pipeline = change.needs['pipelineId'] as Pipeline | undefined;
  // A violation already reports the missing pipeline.
  if (!pipeline) return [];
  const stage = stageOf(change.needs, after.stage);
  if (!stage) return [violation('stage', 'STAGE_UNKNOWN', oneOfStages(pipeline.stages))];
  if (!hasMoved(before, after)) return [];
  const isWithin = before?.pipelineId === after.pipelineId;
  if (isWithin && !mayEnter(pipeline, before.stage, stage)) {
    return [violation('stage', 'STAGE_TRANSITION', `can not be entered from ${before.stage}`)];
  }
  return guardsAgainst(change);
}

/** What the guards of the stages that a deal leaves and enters have against it. */
export function guardsAgainst(change: RecordChange<Deal>): FieldViolation[] {
  const { before, after, needs, needsBefore } = change;
  // The pipeline of a live deal is live. Guards that were not read are no permission.
  if (before && !needsBefore['pipelineId'])
    throw new Error(`The pipeline that the deal ${before.id} leaves was not read.`);
  const left = before && stageOf(needsBefore, before.stage);
  const entered = stageOf(needs, after.stage);
  return [
    ...(left?.guards ?? [])
      .filter((guard) => guard.on === GuardMoment.LEAVE)
      .flatMap((guard) => guardViolations(guard, before?.stage ?? '', change)),
    ...(entered?.guards ?? [])
      .filter((guard) => guard.on !== GuardMoment.LEAVE)
      .flatMap((guard) => guardViolations(guard, after.stage, change)),
  ];
}

/** Reads whether deals have open tasks, of any owner. Reads nothing for a tenant whose pipelines do not ask for it. */
export function openTasks(ids: readonly string[]): Statement | undefined {
  if (ids.length === 0) return undefined;
  return {
    name: 'open_tasks_of_deals',
    sql: `select jsonb_build_object('dealId', id, 'hasOpen', id in (select deals_with_open_tasks($1, $2))) as fact
      from unnest($2::uuid[]) id
      where exists (select from pipeline
        where tenant_id = $1 and delete_time is null and stages @> '[{"guards": [{"kind": ${GuardKind.OPEN_TASKS}}]}]')`,
    values: [currentCaller().tenantId, [...ids]],
  };
}

/** Whether the caller of a move can override a violation. */
export function isOverridable({ reason }: FieldViolation): boolean {
  return overridable.has(reason);
}

const overridable: ReadonlySet<string> = new Set([
  ...['STAGE_TRANSITION', 'REQUIRED', 'CONDITION_NOT_MET', 'ROLE_REQUIRED', 'TOO_EARLY', 'OPEN_TASKS'],
]);

export function hasMoved(before: Deal | undefined, after: Deal): boolean {
  return before?.stage !== after.stage || before.pipelineId !== after.pipelineId;
}

/** What a key that no stage of a pipeline has must be. */
export function oneOfStages(stages: readonly Stage[]): string {
  return `must be the key of a stage of the pipeline: ${stages.map(({ key }) => key).join(', ')}`;
}

/** The stage of a pipeline among what the write of a deal needs. */
export function stageOf(needs: RecordChange<Deal>['needs'], key: string): Stage | undefined {
  return (needs['pipelineId'] as Pipeline | undefined)?.stages.find((stage) => stage.key === key);
}

function violation(field: string, reason: ViolationCode, description: string): FieldViolation {
  return { field, reason, description };
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

function guardViolations(guard: Guard, stage: string, { before, after, facts }: RecordChange<Deal>): FieldViolation[] {
  const { message } = guard;
  const unmet = (reason: ViolationCode, description: string, field = 'stage') => [
    violation(field, reason, message ?? description),
  ];
  const moment = guard.on === GuardMoment.LEAVE ? 'left' : 'entered';
  switch (guard.kind) {
    case GuardKind.FIELDS:
      return guard.fields
        .filter((path) => !hasValue(after, path))
        .flatMap((path) => unmet('REQUIRED', `must be set when the stage ${stage} is ${moment}`, path));
    case GuardKind.EXPRESSION: {
      if (isMet(guard.expression ?? '', after, new Date())) return [];
      const fields = guard.fields.length > 0 ? guard.fields : ['stage'];
      return fields.flatMap((field) => unmet('CONDITION_NOT_MET', `does not meet ${guard.expression}`, field));
    }
    case GuardKind.ROLE:
      return hasRole(guard) ? [] : unmet('ROLE_REQUIRED', `${stage} can not be ${moment} by this caller`);
    case GuardKind.MIN_AGE:
      return ageOf(guard, before) >= (guard.minAgeSeconds ?? 0)
        ? []
        : unmet('TOO_EARLY', `${stage} can be ${moment} only after ${guard.minAgeSeconds} seconds`);
    case GuardKind.OPEN_TASKS:
      return hasOpenTasks(before, facts) ? unmet('OPEN_TASKS', `${stage} can not be ${moment} with open tasks`) : [];
    default:
      // A kind of a later release.
      return unmet('CONDITION_NOT_MET', `${stage} has a guard that this release does not know`);
  }
}

function hasRole({ permissions, teamIds }: Guard): boolean {
  const caller = currentCaller();
  const isInTeam = teamIds.some((id) => caller.teamIds?.includes(id) ?? false);
  return isInTeam || permissions.some((permission) => caller.permissions.includes(permission));
}

/** In seconds. A new deal has no age. */
function ageOf({ ageOf: of }: Guard, before: Deal | undefined): number {
  const since = of === GuardAge.DEAL ? before?.createTime : before?.stageTime;
  return since === undefined ? 0 : (Date.now() - Date.parse(since)) / 1_000;
}

/** Whether a deal has open tasks, for guards of kind OPEN_TASKS. */
interface OpenTasks {
  dealId: string;
  hasOpen: boolean;
}

/** A new deal has no tasks. Unread facts are no permission. */
function hasOpenTasks(before: Deal | undefined, facts: readonly unknown[]): boolean {
  if (!before) return false;
  const tasks = (facts as readonly OpenTasks[]).find(({ dealId }) => dealId === before.id);
  return tasks?.hasOpen ?? true;
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
