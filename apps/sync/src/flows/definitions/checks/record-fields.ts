import { ScalarType } from '@bufbuild/protobuf';
import type { RecordContract, RecordField } from '@rapport/contracts';
import { timestampType, type ExpressionField, type ExpressionResult } from '@rapport/contracts/expressions';
import { orderFieldsOf } from '@rapport/contracts/filters';
import type { FieldValue } from '@rapport/contracts/rapport/flows/v1/steps';
import { exchangedTypes } from '../../../exchange/mappings/records/exchanged-types.js';
import { recordTypeNamed } from '../variables.js';
import type { Place, Variables } from './faults.js';

/** The custom fields of types of records, by the names of the types; undefined for fields that the caller does not see. */
export type CustomFieldsOf = (type: string) => readonly ExpressionField[] | undefined;

/** What a step does to a record. */
type Use = 'READ' | 'CREATE' | 'UPDATE';

/** The type of records that a definition names. @returns undefined, after the fault was noted */
export function checkedType(place: Place, type: string, use: Use): RecordContract | undefined {
  const contract = recordTypeNamed(type);
  if (!contract) {
    place.add('RECORD_TYPE_UNKNOWN', `${type} is no type of records`);
    return undefined;
  }
  if (use === 'READ' || exchangedTypes.has(contract.plural)) return contract;
  place.add('NOT_WRITABLE', `${contract.plural} can only be read`);
  return undefined;
}

/** Checks the values that a step gives to fields. */
export function checkValues(
  place: Place,
  values: readonly FieldValue[],
  {
    type,
    use,
    variables,
    customFields,
  }: { type: string; use: Use; variables: Variables; customFields: CustomFieldsOf },
): void {
  const contract = checkedType(place.at('type'), type, use);
  if (!contract) return;
  const seen = new Set<string>();
  for (const [index, { field, value }] of values.entries()) {
    const at = place.at('fields', index);
    if (seen.has(field)) at.at('field').add('DUPLICATE', `${field} has a value already`);
    seen.add(field);
    const result = resultOf(at.at('field'), contract, field, { use, definitions: customFields(type) });
    if (result !== undefined) at.at('value').expression(value, variables, result, true);
  }
  if (use === 'CREATE') noteMissing(place, contract, seen);
}

/** What the value of a field has to be. @returns undefined, after the fault was noted */
function resultOf(
  place: Place,
  contract: RecordContract,
  name: string,
  { use, definitions }: { use: Use; definitions: readonly ExpressionField[] | undefined },
): ExpressionResult | undefined {
  const [top = '', key] = name.split('.');
  const field = contract.fields.find((each) => each.name === top);
  if (field && top === 'customFields' && key !== undefined) return customResult(place, contract, key, definitions);
  if (!field || key !== undefined || top === 'customFields') {
    place.add('UNKNOWN_FIELD', `${name} is no field of ${contract.plural} that a step can set`);
    return undefined;
  }
  if (field.writable === 'ALWAYS' || (field.writable === 'ONCE' && use === 'CREATE')) return fieldResult(field);
  const reason = field.writable === 'ONCE' ? 'IMMUTABLE' : 'READ_ONLY_FIELD';
  place.add(reason, `${name} can not be changed`);
  return undefined;
}

function customResult(
  place: Place,
  { plural }: RecordContract,
  key: string,
  definitions: readonly ExpressionField[] | undefined,
): ExpressionResult | undefined {
  if (!definitions) return 'any';
  const custom = definitions.find((each) => each.key === key);
  if (custom) return customResults[custom.type] ?? 'string';
  place.add('UNKNOWN_FIELD', `${plural} have no custom field ${key}`);
  return undefined;
}

const customResults: Readonly<Partial<Record<ExpressionField['type'], ExpressionResult>>> = {
  NUMBER: 'number',
  BOOLEAN: 'bool',
  MULTI_SELECT: 'list',
  MONEY: 'any',
};

function fieldResult({ desc }: RecordField): ExpressionResult {
  if (desc.fieldKind === 'list') return 'list';
  if (desc.fieldKind === 'message') return desc.message.typeName === timestampType ? 'time' : 'any';
  if (desc.fieldKind !== 'scalar' || desc.scalar === ScalarType.STRING) return 'string';
  return desc.scalar === ScalarType.BOOL ? 'bool' : 'number';
}

function noteMissing(place: Place, { fields, singular }: RecordContract, given: ReadonlySet<string>): void {
  const missing = fields.filter(({ name, isRequired, writable }) => {
    return isRequired && writable !== 'NEVER' && !given.has(name);
  });
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  place.at('fields').add('REQUIRED', `must have ${names}, which a new ${singular} needs`);
}

/** Checks the name of a field that a condition reads. */
export function checkFieldName(
  place: Place,
  name: string,
  contract: RecordContract,
  definitions: readonly ExpressionField[] | undefined,
): void {
  const [top = '', key] = name.split('.');
  const field = contract.fields.find((each) => each.name === top);
  const isCustom = field !== undefined && top === 'customFields' && key !== undefined;
  const isPart = key === undefined || (field?.parts.some((part) => part.name === key) ?? false);
  const isKnown = isCustom ? !definitions || definitions.some((each) => each.key === key) : field && isPart;
  if (!isKnown) place.add('UNKNOWN_FIELD', `${name} is no field of ${contract.plural}`);
}

/** Checks that lists are ordered by a date or time, which finds the records whose time comes. */
export function checkTimeField(
  place: Place,
  name: string,
  contract: RecordContract,
  definitions: readonly ExpressionField[] | undefined,
): void {
  if (name.startsWith('customFields.')) {
    const custom = definitions?.find(({ key }) => `customFields.${key}` === name);
    if (definitions && custom?.type !== 'DATE' && custom?.type !== 'TIME') {
      place.add('ORDER_NOT_INDEXED', `${name} is no date or time of ${contract.plural}`);
    }
    return;
  }
  const order = orderFieldsOf(contract).find(({ field }) => field.name === name);
  const isTime = order && (order.field.isDate || order.field.desc.message?.typeName === timestampType);
  if (!isTime) place.add('ORDER_NOT_INDEXED', `${name} is no date or time by which ${contract.plural} are ordered`);
}
