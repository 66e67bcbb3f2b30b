import { ForecastCategory } from '@rapport/contracts/rapport/sales/v1/forecast_category';
import { StageKind, StageTransitions, type Pipeline, type Stage } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { PipelinesServiceService } from '@rapport/contracts/rapport/sales/v1/pipelines_service';
import type { FieldViolation } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { recordContract } from '../../engine/values/contract.js';

const normalise = normaliserOf<Pipeline>(recordContract('rapport/Pipeline'));
const dealFields = new Set(recordContract('rapport/Deal').fields.map(({ name }) => name));

/** Pipelines: the stages that deals go through. */
export const pipelines = defineRecord<Pipeline>('rapport/Pipeline', PipelinesServiceService, {
  indexVersion: 1,
  normalise(sent, customFields, before) {
    const { record, violations } = normalise(sent, customFields, before);
    const stages = record.stages.map((stage) => ({ ...stage, id: idOf(stage, before) ?? '', name: stage.name.trim() }));
    return { record: { ...record, stages }, violations: [...violations, ...stageViolations(record)] };
  },
  stamp: ({ before, after }) => ({
    stages: after.stages.map((stage) => ({ ...stage, id: idOf(stage, before) ?? uuidv7() })),
  }),
});

export const PipelinesController = recordController(pipelines, PipelinesServiceService);

/** A stage has the same id for as long as it has the same key. */
function idOf({ key }: Stage, before: Pipeline | undefined): string | undefined {
  return before?.stages.find((stage) => stage.key === key)?.id;
}

function stageViolations({ stages, transitions, transitionPairs }: Pipeline): FieldViolation[] {
  const keys = stages.map(({ key }) => key);
  const twice = stages.flatMap(({ key }, index): FieldViolation[] =>
    keys.indexOf(key) === index ? [] : [violation(`stages[${index}].key`, 'DUPLICATE_KEY', 'must be unique')],
  );
  const unknown = transitionPairs.flatMap((pair, index) =>
    (['from', 'to'] as const)
      .filter((end) => !keys.includes(pair[end]))
      .map((end) => violation(`transitionPairs[${index}].${end}`, 'UNKNOWN_STAGE', 'must be the key of a stage')),
  );
  const isListed = transitions === StageTransitions.LISTED;
  const unused = violation('transitionPairs', 'NOT_ALLOWED', 'must be empty unless transitions is LISTED');
  return [
    ...twice,
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
  return guards.flatMap(({ fields }, guard) =>
    fields.flatMap((path, index) => {
      const isKnown = dealFields.has(path) || path.startsWith('customFields.');
      const field = `stages[${stage}].guards[${guard}].fields[${index}]`;
      return isKnown ? [] : [violation(field, 'UNKNOWN_FIELD', 'must be the name of a field of deals')];
    }),
  );
}

function violation(field: string, reason: string, description: string): FieldViolation {
  return { field, reason, description };
}
