import { snakeCase } from '@rapport/contracts';
import { ChangeOperation, type Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { RecordTriggerOperation, type RecordTrigger } from '@rapport/contracts/rapport/flows/v1/flow';

/** Why a change does not match the trigger and the condition of a flow. */
export type Mismatch = 'TYPE' | 'OPERATION' | 'FIELDS' | 'FILTER' | 'BEFORE_FILTER' | 'SEGMENT' | 'CONDITION';

/** A change without its values. */
export interface ChangeFacts {
  id: string;
  /** As in the change feed. */
  type: string;
  recordId: string;
  operation: string;
  /** Names of changed fields, such as `stage`, and of changed values in them, such as `customFields.renewal`. */
  changedFields: readonly string[];
  /** RFC 3339. */
  time: string;
  actor: string;
  causationId: string | undefined;
  hop: number;
}

export function changeFacts(change: Change): ChangeFacts {
  return {
    id: change.id,
    type: change.type,
    recordId: change.recordId,
    operation: ChangeOperation[change.operation] ?? 'GAP',
    changedFields: changedPaths(change),
    time: change.time ?? new Date(0).toISOString(),
    actor: change.actor,
    causationId: change.causationId,
    hop: change.hop,
  };
}

/** The changed fields, and the values in them that differ. */
function changedPaths({ changedFields, before = {}, after = {} }: Change): string[] {
  return changedFields.flatMap((field) => {
    const [earlier, later] = [partsOf(before[field]), partsOf(after[field])];
    const keys = [...new Set([...Object.keys(earlier), ...Object.keys(later)])];
    const changed = keys.filter((key) => JSON.stringify(earlier[key]) !== JSON.stringify(later[key]));
    return [field, ...changed.map((key) => `${field}.${key}`)];
  });
}

function partsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** The type of a trigger, such as `objectRecord/subscription`, as in the change feed, and the key of its custom object. */
export function feedType(type: string): { type: string; object: string | undefined } {
  const [singular = '', object] = type.split('/');
  return { type: snakeCase(singular), object };
}

/** Whether a change can match a trigger, by what is known without the record. */
export function mismatchOf(trigger: RecordTrigger, change: ChangeFacts): Mismatch | undefined {
  if (feedType(trigger.type).type !== change.type) return 'TYPE';
  if (!meetsOperation(trigger, change)) return 'OPERATION';
  const { changedFields } = trigger;
  if (changedFields.length === 0 || change.operation !== 'UPDATE') return undefined;
  return changedFields.some((field) => change.changedFields.includes(field)) ? undefined : 'FIELDS';
}

function meetsOperation({ operations }: RecordTrigger, { operation }: ChangeFacts): boolean {
  if (operation === 'GAP') return false;
  return operations.length === 0 || operations.some((each) => RecordTriggerOperation[each] === operation);
}

/** A record around a change, and the filters that it meets. */
export interface RecordAround {
  /** Absent if the record did not exist, or its state is no longer known. */
  before: Readonly<Record<string, unknown>> | undefined;
  after: Readonly<Record<string, unknown>> | undefined;
  meetsBefore: (filter: string) => boolean;
  meetsAfter: (filter: string) => boolean;
}

/** Whether the record of a change that can match does: by its object and the filters of the trigger. */
export function recordMismatch(trigger: RecordTrigger, around: RecordAround): Mismatch | undefined {
  const { object } = feedType(trigger.type);
  if (object !== undefined && recordOf(around)?.['object'] !== object) return 'TYPE';
  if (trigger.filter !== undefined && !around.meetsAfter(trigger.filter)) return 'FILTER';
  if (trigger.beforeFilter !== undefined && !around.meetsBefore(trigger.beforeFilter)) return 'BEFORE_FILTER';
  return undefined;
}

/** The record that a run is about: as it is after the change, or as it was before it was removed. */
export function recordOf({ before, after }: RecordAround): Readonly<Record<string, unknown>> | undefined {
  return after ?? before;
}

/** The changed fields of a record before a change; undefined for a new record. */
export function changedBefore(
  { before }: Pick<RecordAround, 'before'>,
  { changedFields, operation }: ChangeFacts,
): Readonly<Record<string, unknown>> | undefined {
  if (!before || operation !== 'UPDATE') return before;
  const changed = Object.entries(before).filter(([field]) => changedFields.includes(field));
  return Object.fromEntries(changed);
}
