import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import type { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import { typeOfRecord } from '../variables.js';
import { allSteps } from './step-tree.js';

/** A type of records, as in definitions, and whether steps write its records. */
export interface UsedType {
  type: string;
  isWritten: boolean;
}

/** The types of records that a definition uses, each once for each use. */
export function typesOf({ trigger, steps }: FlowDefinition): UsedType[] {
  const own = trigger && typeOfRecord(trigger);
  const used = [
    ...(own === undefined ? [] : [{ type: own, isWritten: false }]),
    ...allSteps(steps).flatMap(typesOfStep),
  ];
  return [...new Map(used.map((each) => [JSON.stringify(each), each])).values()];
}

function typesOfStep(step: Step): UsedType[] {
  const read = [
    ...[step.find?.type, step.link?.fromType, step.link?.toType],
    ...(step.listen?.events ?? []).map(({ type }) => type),
  ];
  const written = [
    ...[step.create?.type, step.update?.type, step.delete?.type, step.upsert?.type, step.assign?.type],
    ...[step.moveStage && 'deal', step.addTask && 'task', step.addNote && 'note', step.reply && 'ticket'],
  ];
  const named = (types: readonly (string | undefined)[], isWritten: boolean) =>
    types.flatMap((type) => (type === undefined ? [] : [{ type, isWritten }]));
  return [...named(read, false), ...named(written, true), ...named(written, false)];
}
