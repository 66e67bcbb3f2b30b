import { ScalarType } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import type { RecordContract, RecordField } from '@rapport/contracts';
import { Format } from '@rapport/contracts/rapport/api/v1/options';
import type { ExternalId, RecordRef } from '@rapport/contracts/rapport/api/v1/records';
import type { FieldViolation } from '@rapport/platform';
import { customFieldKinds, isCalendarDate, isMoney } from '@rapport/contracts/filters';
import { contract } from '../values/contract.js';
import type { CustomFields } from './custom-fields.js';
import type { Normalised, RecordMessage } from './record-definition.js';

type Values = Record<string, unknown>;
type Normalise = (value: unknown, path: string, violations: FieldViolation[]) => unknown;

/**
 * The default normalization of a record type: blank texts are absent, lists of texts have no duplicates, and external
 * ids have one entry per system.
 */
export function normaliserOf<Message extends RecordMessage>({ fields }: RecordContract) {
  const steps = fields
    .filter(({ writable, name }) => writable !== 'NEVER' && name !== 'customFields')
    .map((field) => ({ name: field.name, normalise: normaliseOf(field) }));
  return (sent: Message, customFields: CustomFields, before?: Message): Normalised<Message> => {
    const custom = customFields.read(sent.customFields, undefined, before?.customFields);
    const violations: FieldViolation[] = [...custom.violations];
    const record: Values = { ...(sent as unknown as Values) };
    for (const { name, normalise } of steps) record[name] = normalise(record[name], name, violations);
    if (sent.customFields !== undefined) record['customFields'] = custom.values;
    return { record: record as unknown as Message, violations };
  };
}

function normaliseOf(field: RecordField): Normalise {
  const { desc, isRequired, parts } = field;
  if (field.relatedTypes) {
    return (value, path, violations) => normaliseRelated(field, value as RecordRef[], path, violations);
  }
  if (desc.fieldKind === 'list') {
    if (parts.some(({ name }) => name === 'system')) return externalIds;
    return parts.length > 0 || desc.scalar === undefined ? same : texts;
  }
  if (isMoney(field)) return money;
  if (desc.scalar !== ScalarType.STRING) return same;
  const isDate = contract.rules(desc).format === Format.DATE;
  // A field that is not optional always has a value, required or not.
  const isPresent = desc.presence !== FeatureSet_FieldPresence.EXPLICIT;
  return (value, path, violations) => {
    if (value !== undefined && typeof value !== 'string') return value;
    const text = value?.trim();
    if (text === undefined || text === '') {
      if (isRequired) violations.push({ field: path, reason: 'REQUIRED', description: 'must not be blank' });
      return isPresent ? '' : undefined;
    }
    if (isDate) violations.push(...dateViolations(text, path));
    return text;
  };
}

function money(value: unknown, path: string, violations: FieldViolation[]): unknown {
  if (value === undefined) return undefined;
  const read = customFieldKinds.MONEY.read(value, []);
  if ('value' in read) return read.value;
  violations.push({ field: path, ...read });
  return value;
}

function same(value: unknown): unknown {
  return value;
}

function texts(value: unknown, path: string, violations: FieldViolation[]): unknown {
  return [...new Set((value as string[]).map((text, index) => requiredText(text, `${path}[${index}]`, violations)))];
}

function externalIds(value: unknown, path: string, violations: FieldViolation[]): unknown {
  return oneIdPerSystem(value as ExternalId[], path, violations);
}

/** A list of references, with a violation for each to an unknown type, and for each record that it has twice. */
function normaliseRelated(
  { relatedTypes = [] }: RecordField,
  sent: readonly RecordRef[],
  path: string,
  violations: FieldViolation[],
): RecordRef[] {
  const ids = sent.map(({ id }) => id.toLowerCase());
  return sent.map(({ type }, index) => {
    const field = `${path}[${index}]`;
    const id = ids[index] ?? '';
    if (!relatedTypes.includes(type)) {
      const description = `must be one of ${relatedTypes.join(', ')}`;
      violations.push({ field: `${field}.type`, reason: 'RECORD_TYPE_UNKNOWN', description });
    } else if (ids.indexOf(id) < index) {
      violations.push({ field, reason: 'DUPLICATE', description: 'must name another record' });
    }
    return { id, type };
  });
}

/** Trims external ids, and reports systems with different ids. */
export function oneIdPerSystem(ids: ExternalId[], path: string, violations: FieldViolation[]): ExternalId[] {
  const bySystem = new Map<string, ExternalId>();
  for (const [index, { system, value: typed }] of ids.entries()) {
    const value = requiredText(typed, `${path}[${index}].value`, violations);
    if ((bySystem.get(system)?.value ?? value) === value) bySystem.set(system, { system, value });
    else {
      const description = `must be the only one of the system ${system}`;
      violations.push({ field: `${path}[${index}].system`, reason: 'DUPLICATE', description });
    }
  }
  return [...bySystem.values()];
}

/** The trimmed text; reports a blank one. */
export function requiredText(text: string, path: string, violations: FieldViolation[]): string {
  const trimmed = text.trim();
  if (trimmed === '') violations.push({ field: path, reason: 'REQUIRED', description: 'must not be blank' });
  return trimmed;
}

/** The violation of a text that is not a calendar date. */
export function dateViolations(text: string, path: string): FieldViolation[] {
  if (isCalendarDate(text)) return [];
  return [{ field: path, reason: 'BAD_FORMAT', description: 'must be a day such as "2026-01-31"' }];
}
