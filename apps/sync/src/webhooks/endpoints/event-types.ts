import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import { platformContract } from '@rapport/contracts';
import { permissionForAll, permissionMissing } from '@rapport/platform';
import { namingFields, readPermissionsByPlural, recordTypes, type RecordTypes } from '../events/record-types.js';

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

const contract = platformContract();
const known = recordTypes(contract);

/** The fields with resource names, by type, and the permissions that the records take which they name. */
const naming = new Map([...known].map(([type, method]) => [type, namingFields(contract, method)]));
const permissionsByPlural = readPermissionsByPlural(contract);

/** What an endpoint may ask for. */
export const eventTypes: ReadonlySet<string> = eventTypesOf(known);

export function eventTypesOf(types: RecordTypes): Set<string> {
  const kinds = ['*', ...Object.values(verbs)];
  return new Set(['*', disabledEvent, ...[...types.keys()].flatMap((type) => kinds.map((kind) => `${type}.${kind}`))]);
}

/**
 * Those of a caller's permissions by which records are read that events are about. An endpoint for whose events the caller asks is sent
 * events about these records only, so that `*` stands for the types that the caller may read.
 *
 * @throws AppError PERMISSION_DENIED when a type is named that the caller may not read
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

/** `customer.updated` and the like. An operation that this release does not know is a gap too: something has happened. */
export function eventTypeOf({ type, operation }: Pick<Change, 'type' | 'operation'>): string {
  const verb = verbs[operation];
  return verb === undefined ? gapEvent : `${type}.${verb}`;
}

type Values = Record<string, unknown> | null;

/** Whether an endpoint wants an event, and may have it: also by the records that the event's record names. */
export function wants(
  endpoint: { eventTypes: readonly string[]; fields: readonly string[]; readPermissions: readonly string[] },
  event: { type: string; changed_fields: readonly string[]; before?: Values; after?: Values },
  types = known,
): boolean {
  if (event.type === gapEvent) return true;
  const recordType = recordTypeOf(event.type);
  const permission = permissionForAll(types.get(recordType)?.policy.permission ?? '');
  // Which permission reads records of a type that this release does not know is not known either.
  if (event.type !== disabledEvent && !endpoint.readPermissions.includes(permission)) return false;
  if (!namedPermissions(recordType, event).every((each) => endpoint.readPermissions.includes(each))) return false;
  const isNamed = ['*', `${recordType}.*`, event.type].some((type) => endpoint.eventTypes.includes(type));
  if (!isNamed || endpoint.fields.length === 0 || !event.type.endsWith('.updated')) return isNamed;
  return event.changed_fields.some((field) => endpoint.fields.includes(field));
}

/** The permissions by which those records are read whose resource names an event has. */
function namedPermissions(recordType: string, { before, after }: { before?: Values; after?: Values }): string[] {
  const values = { ...before, ...after };
  return (naming.get(recordType) ?? []).flatMap((field) => {
    const name = values[field];
    if (typeof name !== 'string') return [];
    // Which permission reads records of a type that this release does not know is not known either.
    return permissionsByPlural.get(name.split('/')[0] ?? '') ?? 'unknown';
  });
}

function recordTypeOf(eventType: string): string {
  return eventType.split('.')[0] ?? '';
}
