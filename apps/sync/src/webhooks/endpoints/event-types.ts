import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import { contract } from '../../contract.js';
import { recordTypes, type RecordTypes } from '../events/record-types.js';

/** Says that changes may have been missed. Everybody gets it. */
export const gapEvent = 'changes.gap';
/** Says that an endpoint of the tenant gets nothing any more. */
export const disabledEvent = 'webhook_endpoint.disabled';
export const testEvent = 'webhook_endpoint.test';

const verbs: Readonly<Record<number, string>> = {
  [ChangeOperation.CREATE]: 'created',
  [ChangeOperation.UPDATE]: 'updated',
  [ChangeOperation.DELETE]: 'deleted',
  [ChangeOperation.UNDELETE]: 'undeleted',
  [ChangeOperation.MERGE]: 'merged',
};

/** What an endpoint may ask for. */
export const eventTypes: ReadonlySet<string> = eventTypesOf(recordTypes(contract));

export function eventTypesOf(types: RecordTypes): Set<string> {
  const kinds = ['*', ...Object.values(verbs)];
  return new Set(['*', disabledEvent, ...[...types.keys()].flatMap((type) => kinds.map((kind) => `${type}.${kind}`))]);
}

/** `customer.updated` and the like. An operation that this release does not know is a gap too: something has happened. */
export function eventTypeOf({ type, operation }: Pick<Change, 'type' | 'operation'>): string {
  const verb = verbs[operation];
  return verb === undefined ? gapEvent : `${type}.${verb}`;
}

/** Whether an endpoint wants an event. */
export function wants(
  endpoint: { eventTypes: readonly string[]; fields: readonly string[] },
  event: { type: string; changed_fields: readonly string[] },
): boolean {
  if (event.type === gapEvent) return true;
  const [recordType = ''] = event.type.split('.');
  const isNamed = ['*', `${recordType}.*`, event.type].some((type) => endpoint.eventTypes.includes(type));
  if (!isNamed || endpoint.fields.length === 0 || !event.type.endsWith('.updated')) return isNamed;
  return event.changed_fields.some((field) => endpoint.fields.includes(field));
}
