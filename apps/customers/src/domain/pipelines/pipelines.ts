import type { ExpressionField } from '@rapport/contracts/expressions';
import { ForecastCategory } from '@rapport/contracts/rapport/sales/v1/forecast_category';
import {
  Guard,
  GuardKind,
  StageKind,
  StageTransitions,
  Stage,
  type Pipeline,
} from '@rapport/contracts/rapport/sales/v1/pipeline';
import { PipelinesServiceService } from '@rapport/contracts/rapport/sales/v1/pipelines_service';
import { beyondScope, isRefusal, type Statement, type TransactionStatement } from '@rapport/persistence';
import { AppError, currentCaller, type FieldViolation, type ViolationCode } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import { refuseHidden } from '../../engine/fields/hidden-data.js';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { defineRecord, recordType } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { recordContract } from '../../engine/values/contract.js';
import { dealFieldsOf, expressionFault } from './deal-expression.js';

const normalise = normaliserOf<Pipeline>(recordContract('rapport/Pipeline'));
const fieldNames = new Set(recordContract('rapport/Deal').fields.map(({ name }) => name));

/** Pipelines: the stages that deals go through. */
export const pipelines = defineRecord<Pipeline>('rapport/Pipeline', PipelinesServiceService, {
  indexVersion: 1,
  normalise(sent, customFields, before) {
    const { record, violations } = normalise(sent, customFields, before);
    const stages = record.stages.map((stage) => ({ ...stage, id: idOf(stage, before) ?? '', name: stage.name.trim() }));
    return { record: { ...record, stages }, violations: [...violations, ...stageViolations(record)] };
  },
  lacking: stagesOfEarlierReleases,
  facts: customFieldsOfDeals,
  guard: expressionFaults,
  stamp: ({ before, after }) => ({
    stages: after.stages.map((stage) => ({ ...stage, id: idOf(stage, before) ?? uuidv7() })),
  }),
  also: (changes) => changes.flatMap(({ before, after }) => (before ? refuseUsedStages(before, after) : [])),
});

export const PipelinesController = recordController(pipelines, PipelinesServiceService);

/** A stage has the same id for as long as it has the same key. */
function idOf({ key }: Stage, before: Pipeline | undefined): string | undefined {
  return before?.stages.find((stage) => stage.key === key)?.id;
}

/** Refuses to remove stages that live deals are in, including those that the caller does not see. */
function refuseUsedStages(before: Pipeline, after: Pipeline): TransactionStatement[] {
  const kept = new Set(after.stages.map(({ key }) => key));
  const removed = before.stages.map(({ key }) => key).filter((key) => !kept.has(key));
  if (removed.length === 0) return [];
  const used: TransactionStatement = {
    name: 'refuse_used_stages',
    sql: `select refuse_unless(not exists (select from deal
        where tenant_id = $1 and pipeline_id = $2 and stage = any ($3) and delete_time is null), '${stageInUse}')`,
    values: [currentCaller().tenantId, after.id, removed],
    explain: (error: unknown) => (isRefusal(error, stageInUse) ? usedStage(removed) : error),
  };
  return [beyondScope, used];
}

const stageInUse = 'STAGE_IN_USE';

function usedStage(keys: readonly string[]): AppError {
  const stages = keys.join(', ');
  const message = `Live deals are in a stage that would be removed: ${stages}. Remove the stage by :removeStage.`;
  return new AppError('FAILED_PRECONDITION', stageInUse, message, { metadata: { stages } });
}

/** Stages of earlier releases lack fields that a message always has, and so do their guards. */
function stagesOfEarlierReleases({ stages }: Pipeline): Partial<Pipeline> | undefined {
  const isComplete = ({ guards, forecastCategory }: Partial<Stage>) =>
    forecastCategory !== undefined &&
    (guards ?? []).every(({ permissions }: Partial<Guard>) => permissions !== undefined);
  if (stages.every(isComplete)) return undefined;
  const completed = (guard: Guard) => ({ ...blankGuard, ...guard });
  return { stages: stages.map((stage) => ({ ...blankStage, ...stage, guards: stage.guards.map(completed) })) };
}

const blankStage = Stage.decode(new Uint8Array());
const blankGuard = Guard.decode(new Uint8Array());

function stageViolations({ stages, transitions, transitionPairs }: Pipeline): FieldViolation[] {
  const keys = stages.map(({ key }) => key);
  const twice = stages.flatMap(({ key }, index): FieldViolation[] =>
    keys.indexOf(key) === index ? [] : [violation(`stages[${index}].key`, 'DUPLICATE', 'must be unique')],
  );
  const unnamed = stages.flatMap(({ name }, index) =>
    name.trim() === '' ? [violation(`stages[${index}].name`, 'REQUIRED', 'must not be blank')] : [],
  );
  const unknown = transitionPairs.flatMap((pair, index) =>
    (['from', 'to'] as const)
      .filter((end) => !keys.includes(pair[end]))
      .map((end) => violation(`transitionPairs[${index}].${end}`, 'STAGE_UNKNOWN', 'must be the key of a stage')),
  );
  const isListed = transitions === StageTransitions.LISTED;
  const unused = violation('transitionPairs', 'NOT_ALLOWED', 'must be empty unless transitions is LISTED');
  return [
    ...twice,
    ...unnamed,
    ...unknown,
    ...(isListed || transitionPairs.length === 0 ? [] : [unused]),
    ...stages.flatMap(guardViolations),
    ...stages.flatMap(forecastViolations),
  ];
}

/** Closed stages determine the category of their deals. */
function forecastViolations({ kind, forecastCategory }: Stage, stage: number): FieldViolation[] {
  const isOpen = kind === StageKind.OPEN && forecastCategory !== ForecastCategory.CLOSED;
  if (isOpen || forecastCategory === ForecastCategory.UNSPECIFIED) return [];
  const description = 'must not be CLOSED, nor set in a stage of kind WON or LOST';
  return [violation(`stages[${stage}].forecastCategory`, 'NOT_ALLOWED', description)];
}

function guardViolations({ guards }: Stage, stage: number): FieldViolation[] {
  return guards.flatMap((guard, index) => {
    const at = `stages[${stage}].guards[${index}]`;
    const unknown = guard.fields.flatMap((path, place) => {
      const isKnown = fieldNames.has(path) || path.startsWith('customFields.');
      const field = `${at}.fields[${place}]`;
      return isKnown ? [] : [violation(field, 'UNKNOWN_FIELD', 'must be the name of a field of deals')];
    });
    return [...unknown, ...contentViolations(guard, at)];
  });
}

/** A guard has what its kind needs, and nothing that only another kind has. */
function contentViolations(guard: Guard, at: string): FieldViolation[] {
  const needed = neededBy[guard.kind];
  const has = Object.fromEntries(contentFields.map((name) => [name, isPresent(guard[name])]));
  const names = contentFields.filter((name) => has[name] === true);
  const allowed = needed === undefined ? contentFields : [...needed, ...(alsoIn[guard.kind] ?? [])];
  const wrong = names
    .filter((name) => !allowed.includes(name))
    .map((name) => violation(`${at}.${name}`, 'NOT_ALLOWED', 'is not allowed in a guard of this kind'));
  const isComplete = needed === undefined || needed.length === 0 || needed.some((name) => has[name]);
  const [first = ''] = needed ?? [];
  return isComplete
    ? wrong
    : [...wrong, violation(`${at}.${first}`, 'REQUIRED', 'is required in a guard of this kind')];
}

const contentFields = ['fields', 'expression', 'permissions', 'teamIds', 'minAgeSeconds', 'ageOf'] as const;

type ContentField = (typeof contentFields)[number];

/** The fields of which a guard has one, by its kind. */
const neededBy: Readonly<Record<number, readonly ContentField[]>> = {
  [GuardKind.FIELDS]: ['fields'],
  [GuardKind.EXPRESSION]: ['expression'],
  [GuardKind.ROLE]: ['permissions', 'teamIds'],
  [GuardKind.MIN_AGE]: ['minAgeSeconds'],
  [GuardKind.OPEN_TASKS]: [],
};

const alsoIn: Readonly<Record<number, readonly ContentField[]>> = {
  [GuardKind.EXPRESSION]: ['fields'],
  [GuardKind.MIN_AGE]: ['ageOf'],
};

function isPresent(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== 0;
}

/** Reads the custom fields of deals. */
function customFieldsOfDeals(): Statement {
  return {
    name: 'custom_fields_of_guards',
    sql: `select jsonb_build_object('key', split_part(key, '.', -1), 'type', type) as fact from custom_field
      where tenant_id = $1 and record_type = 'deal' and delete_time is null order by key`,
    values: [currentCaller().tenantId],
  };
}

/**
 * Whether a deal may move reveals the fields that a condition reads.
 *
 * @throws AppError PERMISSION_DENIED FIELD_HIDDEN for a new condition about fields that are hidden from the caller
 */
function expressionFaults({ before, after, facts }: RecordChange<Pipeline>): FieldViolation[] {
  const known = new Set(before?.stages.flatMap(({ guards }) => guards.map(({ expression }) => expression)));
  return after.stages.flatMap(({ guards }, stage) =>
    guards.flatMap(({ expression }, index): FieldViolation[] => {
      if (expression === undefined) return [];
      const field = `stages[${stage}].guards[${index}].expression`;
      const fault = expressionFault(expression, facts as readonly ExpressionField[]);
      if (fault) return [{ field, ...fault }];
      if (!known.has(expression))
        refuseHidden(recordType('rapport/Deal'), dealFieldsOf(expression), `pipeline.${field}`);
      return [];
    }),
  );
}

function violation(field: string, reason: ViolationCode, description: string): FieldViolation {
  return { field, reason, description };
}
