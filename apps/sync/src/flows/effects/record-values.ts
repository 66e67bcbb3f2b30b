import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { etagVersion } from '@rapport/persistence';
import type { Json, JsonObject } from './effect-port.js';
import type { StepType } from './record-methods.js';

const customPrefix = 'customFields.';

/** A record with the values of a step's fields, of which some are custom fields such as `customFields.plan`. */
export function recordOf(fields: JsonObject): JsonObject {
  const entries = Object.entries(fields);
  const own = entries.filter(([name]) => !name.startsWith(customPrefix));
  const custom = entries.filter(([name]) => name.startsWith(customPrefix));
  const customFields = Object.fromEntries(custom.map(([name, value]) => [name.slice(customPrefix.length), value]));
  return { ...Object.fromEntries(own), ...(custom.length > 0 && { customFields }) };
}

/** The value of a step's field in a record; null for none. */
export function fieldValue(record: JsonObject, name: string): Json {
  if (!name.startsWith(customPrefix)) return withoutEmpty(record[name]);
  const custom = record['customFields'] as JsonObject | undefined;
  return withoutEmpty(custom?.[name.slice(customPrefix.length)]);
}

/** The values that callers set. The service sets the others, such as `etag` and the time of the last activity. */
export function writableValues({ contract }: StepType, record: JsonObject): JsonObject {
  const writable = contract.fields.filter(({ writable: when }) => when !== 'NEVER');
  return Object.fromEntries(writable.map(({ name }) => [name, fieldValue(record, name)]));
}

/** The text of a field of JSON; empty for none. */
export function textIn(json: JsonObject, name: string): string {
  const value = json[name];
  return typeof value === 'string' ? value : '';
}

/** Longest request id of the contract. */
const maxRequestIdLength = 200;

/** The request id under which an effect happens once. Paths of steps can be longer. */
export function requestIdOf(effectKey: string): string {
  if (effectKey.length <= maxRequestIdLength) return effectKey;
  return createHash('sha256').update(effectKey).digest('hex');
}

export function areEqual(one: JsonObject, other: JsonObject): boolean {
  return isDeepStrictEqual(one, other);
}

/** Every form of "no value" becomes null. */
function withoutEmpty(value: Json | undefined): Json {
  if (value === undefined || value === '') return null;
  return Array.isArray(value) && value.length === 0 ? null : value;
}

/** How a record that a step has created is removed, unless it was changed since. */
export function removal(type: StepType, record: JsonObject): JsonObject {
  return { kind: 'REMOVE', type: type.name, id: record['id'] ?? null, after: writableValues(type, record) };
}

/** How the fields that a step has changed get their values back. */
export function restoration(
  type: StepType,
  before: JsonObject,
  after: JsonObject,
  fields: readonly string[],
): JsonObject {
  const values = (record: JsonObject) => Object.fromEntries(fields.map((name) => [name, fieldValue(record, name)]));
  return { kind: 'RESTORE', type: type.name, id: after['id'] ?? null, before: values(before), after: values(after) };
}

/** Fields that a change has set have no value before, unless it says one. */
export function emptied(fields: readonly string[]): JsonObject {
  return Object.fromEntries(fields.map((name) => [name, null]));
}

/** The version of a record, by its etag. */
export function versionOf(record: JsonObject): number {
  return etagVersion(textIn(record, 'etag'));
}
