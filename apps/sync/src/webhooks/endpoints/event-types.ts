import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import { feedTypes, platformContract, type FeedTypes } from '@rapport/contracts';
import { permissionForAll, permissionMissing } from '@rapport/platform';
import { namingFields, readPermissionsByPlural } from '../events/named-records.js';

/** Reports that changes may have been missed. Every endpoint receives it. */
export const gapEvent = 'changes.gap';
/** Reports that an endpoint of the tenant was disabled. */
export const disabledEvent = 'webhook_endpoint.disabled';
export const testEvent = 'webhook_endpoint.test';

const verbs: Readonly<Record<number, string>> = {
  [ChangeOperation.CREATE]: 'created',
  [ChangeOperation.UPDATE]: 'updated',
  [ChangeOperation.DELETE]: 'deleted',
  [ChangeOperation.UNDELETE]: 'undeleted',
  [ChangeOperation.MERGE]: 'merged',
};

const contract = platformContract();
const known = feedTypes(contract);

/** The fields with resource names, by type, and the permissions to read the records that they name. */
const naming = new Map([...known].map(([type, method]) => [type, namingFields(contract, method)]));
const permissionsByPlural = readPermissionsByPlural(contract);

/** Of each type, `*` for all of its events included. */
const allVerbs = ['*', ...Object.values(verbs)];

/** The event types that endpoints can subscribe to. */
export const eventTypes: ReadonlySet<string> = eventTypesOf(known);

export function eventTypesOf(types: FeedTypes): Set<string> {
  const ofTypes = [...types.keys()].flatMap((type) => allVerbs.map((verb) => `${type}.${verb}`));
  return new Set(['*', disabledEvent, ...ofTypes]);
}

/** Says of a text that is no event type what one is: the events of its record type, or else the record types. */
export function whyNoEventType(text: string): string {
  const type = recordTypeOf(text);
  if (known.has(type)) return `must be one of ${allVerbs.map((verb) => `${type}.${verb}`).join(', ')}`;
  return `must be *, or one of the types ${[...known.keys()].join(', ')} with an event, such as customer.updated`;
}

/** Whether `updated` events of one of the subscribed types can have a change of a field. */
export function canChange(wanted: readonly string[], field: string): boolean {
  const named = new Set(wanted.map(recordTypeOf));
  return [...known].some(
    ([type, { desc }]) =>
      (named.has('*') || named.has(type)) && desc.output.fields.some(({ jsonName }) => jsonName === field),
  );
}

/**
 * The read permissions of a caller for records of the subscribed events. The endpoint receives events about these
 * records only, so `*` stands for the types that the caller can read.
 *
 * @throws AppError PERMISSION_DENIED for an explicit type that the caller cannot read
 */
export function readPermissions(wanted: readonly string[], permissions: readonly string[], types = known): string[] {
  const named = new Set(wanted.map(recordTypeOf));
  const needed = [...types].map(([type, { policy }]) => ({
    type,
    permission: permissionForAll(policy.permission),
  }));
  const missing = needed.find(({ type, permission }) => named.has(type) && !permissions.includes(permission));
  if (missing) throw permissionMissing(missing.permission);
  return [...new Set(needed.map(({ permission }) => permission))].filter((permission) =>
    permissions.includes(permission),
  );
}

/** Whether permissions include reading the records of an event. The records of a type unknown to this release are not. */
export function canReadType(eventType: string, permissions: readonly string[]): boolean {
  const method = known.get(recordTypeOf(eventType));
  return method !== undefined && permissions.includes(permissionForAll(method.policy.permission));
}

/** Such as `customer.updated`. An operation that is unknown to this release is reported as a gap. */
export function eventTypeOf({ type, operation }: Pick<Change, 'type' | 'operation'>): string {
  const verb = verbs[operation];
  return verb === undefined ? gapEvent : `${type}.${verb}`;
}

type Values = Record<string, unknown> | null;

/**
 * Whether an endpoint is subscribed to an event and permitted to receive it, including the records that the event's
 * record names.
 */
export function wants(
  endpoint: { eventTypes: readonly string[]; fields: readonly string[]; readPermissions: readonly string[] },
  event: { type: string; changed_fields: readonly string[]; before?: Values; after?: Values },
  types = known,
): boolean {
  if (event.type === gapEvent) return true;
  const recordType = recordTypeOf(event.type);
  const permission = permissionForAll(types.get(recordType)?.policy.permission ?? '');
  // The read permission of a type that is unknown to this release is unknown too.
  if (event.type !== disabledEvent && !endpoint.readPermissions.includes(permission)) return false;
  if (!namedPermissions(recordType, event).every((each) => endpoint.readPermissions.includes(each))) return false;
  const isNamed = ['*', `${recordType}.*`, event.type].some((type) => endpoint.eventTypes.includes(type));
  if (!isNamed || endpoint.fields.length === 0 || !event.type.endsWith('.updated')) return isNamed;
  return event.changed_fields.some((field) => endpoint.fields.includes(field));
}

/** The permissions to read the records whose resource names an event contains. */
function namedPermissions(recordType: string, { before, after }: { before?: Values; after?: Values }): string[] {
  const values = { ...before, ...after };
  return (naming.get(recordType) ?? []).flatMap((field) => {
    const name = values[field];
    if (typeof name !== 'string') return [];
    // The read permission of a type that is unknown to this release is unknown too.
    return permissionsByPlural.get(name.split('/')[0] ?? '') ?? 'unknown';
  });
}

function recordTypeOf(eventType: string): string {
  return eventType.split('.')[0] ?? '';
}
