import type { JsonObject, JsonValue } from '../../../connectors/peer-record.js';
import type { ExchangedType } from '../records/exchanged-types.js';
import { addressPart, partOf, withParts } from './address-parts.js';

/** A record of Rapport. Its other fields are those of its type. */
export interface ExchangedRecord {
  id: string;
  etag: string;
  updateTime?: string | undefined;
}

const customPrefix = 'customFields.';

/** The key of a custom field, such as `plan` for `customFields.plan`. */
export function customKey(field: string): string | undefined {
  return field.startsWith(customPrefix) ? field.slice(customPrefix.length) : undefined;
}

/** The value of a record's field in JSON; null for none. */
export function recordValue(type: ExchangedType, record: ExchangedRecord, name: string): JsonValue {
  const values = valuesOf(record);
  const address = type.fields.has('addresses') ? addressPart(name) : undefined;
  if (address) return withoutEmpty(partOf(addressesOf(values), address));
  const key = customKey(name);
  if (key !== undefined) return withoutEmpty(objectOf(values['customFields'])?.[key]);
  const [own = '', part] = name.split('.');
  const value = part === undefined ? values[own] : objectOf(values[own])?.[part];
  const { kind, options } = type.fields.get(name) ?? {};
  return kind === 'SELECT'
    ? ([...(options ?? [])].find(([, number]) => number === value)?.[0] ?? null)
    : withoutEmpty(value);
}

/**
 * The same values, with parts of addresses and objects replaced by the whole field.
 *
 * @param record in its current state; absent for a new one
 * @param defaults values of other fields by name, for a new record and new objects
 */
export function wholeValues(
  type: ExchangedType,
  values: ReadonlyMap<string, JsonValue>,
  record: ExchangedRecord | undefined,
  defaults: Readonly<Record<string, JsonValue>>,
): Map<string, JsonValue> {
  const given = new Map([...(record ? [] : Object.entries(defaults)), ...values]);
  const whole = new Map<string, JsonValue>();
  const addressChanges: { of: NonNullable<ReturnType<typeof addressPart>>; value: JsonValue }[] = [];
  for (const [name, value] of given) {
    const address = type.fields.has('addresses') ? addressPart(name) : undefined;
    const [own = '', part] = name.split('.');
    if (address) addressChanges.push({ of: address, value });
    else if (part === undefined || customKey(name) !== undefined) whole.set(name, value);
    else whole.set(own, { ...(objectOf(whole.get(own)) ?? objectBefore(own, record, defaults)), [part]: value });
  }
  for (const [name, value] of whole) {
    const { parts } = type.fields.get(name) ?? {};
    if (parts && parts.size > 0) whole.set(name, completeObject(value, parts));
  }
  if (addressChanges.length === 0) return whole;
  return whole.set('addresses', withParts(record ? addressesOf(valuesOf(record)) : [], addressChanges));
}

/** The request fields of a write. Custom fields that are not named stay. */
export function recordChanges(
  type: ExchangedType,
  values: ReadonlyMap<string, JsonValue>,
): { record: Record<string, unknown>; mask: string[] } {
  const record: Record<string, unknown> = {};
  const empty = type.emptyRecord() as Record<string, unknown>;
  const customFields: JsonObject = {};
  for (const [name, value] of values) {
    const key = customKey(name);
    const { kind, options } = type.fields.get(name) ?? {};
    if (key !== undefined) customFields[key] = value;
    else if (kind === 'SELECT' && typeof value === 'string') record[name] = options?.get(value) ?? 0;
    else record[name] = value ?? empty[name];
  }
  const hasOwn = Object.keys(customFields).length > 0;
  return {
    record: { ...record, ...(hasOwn && { customFields }) },
    mask: [...Object.keys(record), ...(hasOwn ? ['customFields'] : [])],
  };
}

/** An object with another value of a part. */
function objectBefore(
  name: string,
  record: ExchangedRecord | undefined,
  defaults: Readonly<Record<string, JsonValue>>,
): JsonObject {
  const ofDefaults = Object.entries(defaults).filter(([each]) => each.startsWith(`${name}.`));
  const before = Object.fromEntries(ofDefaults.map(([each, value]) => [each.slice(name.length + 1), value]));
  return { ...before, ...(record && objectOf(valuesOf(record)[name])) };
}

/** An object without a required part counts as none. */
function completeObject(value: JsonValue, parts: ReadonlyMap<string, boolean>): JsonValue {
  const object = objectOf(value);
  const isLacking = [...parts].some(([name, isRequired]) => isRequired && (object?.[name] ?? null) === null);
  return object && isLacking ? null : value;
}

function addressesOf({ addresses }: Partial<JsonObject>): JsonObject[] {
  const value = withoutEmpty(addresses);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function valuesOf(record: ExchangedRecord): Partial<JsonObject> {
  return record as unknown as Partial<JsonObject>;
}

function objectOf(value: JsonValue | undefined): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

/** The value at a path of a record, such as `address.city`; null for none. */
export function peerValue(fields: JsonObject, path: string): JsonValue {
  // Names of columns can contain dots.
  if (path in fields) return withoutEmpty(fields[path]);
  const value = path
    .split('.')
    .reduce<JsonValue | undefined>((inner, step) => (isObject(inner) ? inner[step] : undefined), fields);
  return withoutEmpty(value);
}

/** The fields of a write that put the values at their paths: whole fields, as connectors expect them. */
export function peerChanges(values: ReadonlyMap<string, JsonValue>, current: JsonObject): JsonObject {
  const changes: JsonObject = {};
  for (const [path, value] of values) {
    const [field = '', ...steps] = path in current ? [path] : path.split('.');
    changes[field] = steps.length === 0 ? value : withValue(changes[field] ?? current[field], steps, value);
  }
  return changes;
}

function withValue(target: JsonValue | undefined, [step = '', ...rest]: string[], value: JsonValue): JsonObject {
  const object = isObject(target) ? target : {};
  return { ...object, [step]: rest.length === 0 ? value : withValue(object[step], rest, value) };
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every form of "no value" becomes null. Objects keep all of their parts. */
function withoutEmpty(value: JsonValue | undefined): JsonValue {
  if (value === undefined || value === null || value === '') return null;
  if (Array.isArray(value)) return value.length === 0 ? null : value.map(withoutEmpty);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined && part !== ''));
}
