import { LifecycleStage, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { JsonObject, JsonValue } from '../../connectors/peer-record.js';
import { addressPart, partOf, withParts } from './address-parts.js';

/** The fields of Customer that can be exchanged, and whether their value is a list. */
export const customerFields: Readonly<Record<string, 'TEXT' | 'TEXT_LIST' | 'CONTACT_LIST'>> = {
  displayName: 'TEXT',
  givenName: 'TEXT',
  familyName: 'TEXT',
  jobTitle: 'TEXT',
  companyName: 'TEXT',
  birthDate: 'TEXT',
  source: 'TEXT',
  ownerId: 'TEXT',
  lifecycleStage: 'TEXT',
  emails: 'CONTACT_LIST',
  phones: 'CONTACT_LIST',
  addresses: 'CONTACT_LIST',
  tags: 'TEXT_LIST',
  domains: 'TEXT_LIST',
};

const customPrefix = 'customFields.';

/** The key of a field of the tenant's own, such as `plan` of `customFields.plan`. */
export function customKey(field: string): string | undefined {
  return field.startsWith(customPrefix) ? field.slice(customPrefix.length) : undefined;
}

/** The value of a customer's field; null for none. */
export function customerValue(customer: Customer, field: string): JsonValue {
  if (field === 'lifecycleStage') return stageName(customer.lifecycleStage);
  const part = addressPart(field);
  if (part) return withoutEmpty(partOf(addressesOf(customer), part));
  const key = customKey(field);
  const fields = (key === undefined ? customer : customer.customFields) as Partial<JsonObject> | undefined;
  return withoutEmpty(fields?.[key ?? field]);
}

function stageName(stage: LifecycleStage): JsonValue {
  return stage === LifecycleStage.UNSPECIFIED ? null : (LifecycleStage[stage] ?? null);
}

function stageOf(name: JsonValue): LifecycleStage {
  const stage = Object.entries(LifecycleStage).find(([own]) => own === name)?.[1];
  return typeof stage === 'number' ? stage : LifecycleStage.UNSPECIFIED;
}

/** The same values, but that parts of addresses have become the whole list. @param customer as it is; absent for a new one */
export function wholeValues(
  values: ReadonlyMap<string, JsonValue>,
  customer: Customer | undefined,
): Map<string, JsonValue> {
  const changes = [...values].flatMap(([field, value]) => {
    const part = addressPart(field);
    return part ? [{ of: part, value }] : [];
  });
  if (changes.length === 0) return new Map(values);
  const others = [...values].filter(([field]) => !addressPart(field));
  return new Map([...others, ['addresses', withParts(customer ? addressesOf(customer) : [], changes)]]);
}

function addressesOf({ addresses }: Customer): JsonObject[] {
  const value = withoutEmpty(addresses as unknown as JsonValue);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** What an update sends of these fields. Own fields that are not named stay as they are. */
export function customerChanges(values: ReadonlyMap<string, JsonValue>): {
  customer: Partial<Customer>;
  mask: string[];
} {
  const customer: Record<string, unknown> = {};
  const customFields: JsonObject = {};
  for (const [field, value] of values) {
    const key = customKey(field);
    if (key !== undefined) customFields[key] = value;
    else if (field === 'lifecycleStage') customer[field] = stageOf(value);
    else customer[field] = value ?? (customerFields[field] === 'TEXT' ? undefined : []);
  }
  const hasOwn = Object.keys(customFields).length > 0;
  const named = [...values.keys()].filter((field) => customKey(field) === undefined);
  return {
    customer: { ...customer, ...(hasOwn && { customFields }) },
    mask: [...named, ...(hasOwn ? ['customFields'] : [])],
  };
}

/** The value at a path of a record, such as `address.city`; null for none. */
export function peerValue(fields: JsonObject, path: string): JsonValue {
  // A column may have dots in its name.
  if (path in fields) return withoutEmpty(fields[path]);
  const value = path
    .split('.')
    .reduce<JsonValue | undefined>((inner, step) => (isObject(inner) ? inner[step] : undefined), fields);
  return withoutEmpty(value);
}

/** What a write sends so that the values stand at their paths: whole fields, as connectors take them. */
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

/** Nothing is null, however a side writes it; nothing within an object is left out. */
function withoutEmpty(value: JsonValue | undefined): JsonValue {
  if (value === undefined || value === null || value === '') return null;
  if (Array.isArray(value)) return value.length === 0 ? null : value.map(withoutEmpty);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined && part !== ''));
}
