import type { CustomField_Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { localTimeOf, momentOf } from '@rapport/contracts/filters';
import type { RecordField } from '../../../connectors/description.js';
import type { JsonValue } from '../../../connectors/peer-record.js';
import { exactNumber, plainDecimal, withFraction } from '../../../connectors/values/decimal.js';
import type { FieldRule } from '../field-rule.js';
import type { ExchangedType } from '../records/exchanged-types.js';
import { addressPart } from './address-parts.js';
import { isContactList } from './contact-list.js';
import { fieldLens } from './field-lens.js';
import { customKey } from './field-values.js';
import type { FieldLens } from './lens.js';
import { optionLens, ownerLens, type Users } from './naming-lenses.js';
import { countryLens } from './postal-address.js';

/** Type of the values of a field of a record of Rapport. */
export type CustomerFieldType = Exclude<
  keyof typeof CustomField_Type,
  'TYPE_UNSPECIFIED' | 'UNSPECIFIED' | 'UNRECOGNIZED'
>;

/** Maximum number of decimal places of a DECIMAL of customers. */
const maxFractionDigits = 9;

/**
 * Converts values of each side to the form of the other. A value without such a form stays as it is, and the other side
 * refuses it.
 */
interface Conversion {
  toCustomer: (value: JsonValue) => JsonValue;
  toPeer: (value: JsonValue) => JsonValue;
}

/**
 * How values of a customer's field and a peer's field are compared and written, by their declared types.
 *
 * @returns for incompatible types: the reason, for users
 */
function valueLens(ofCustomer: CustomerFieldType, field: RecordField): FieldLens | string {
  if (field.type === 'UNSUPPORTED') return field.description ?? 'The field is not supported.';
  const found = conversionOf(ofCustomer, field);
  if (found) return lensOf(found);
  if (ofCustomer === 'TIME' && field.type === 'LOCAL_TIME') {
    return 'The times have no zone: give the connection its timeZone.';
  }
  return `Values of ${field.declaredType ?? field.type} cannot become values of ${ofCustomer}, and the other way round.`;
}

/** The declared types of both sides of a mapping. */
export interface ValueTypes {
  /** Type of the records of Rapport. */
  type: ExchangedType;
  /** Fields of the peer's records. */
  fields: readonly RecordField[];
  /** Custom fields of the tenant, by key. */
  customFields: ReadonlyMap<string, CustomerFieldType>;
  /** Users of the tenant. Undefined for a mapping without owners. */
  users?: Users | undefined;
}

/** The lens of a validated rule. Parts of a field, and fields with a transform, have no known type. */
export function ruleLens(rule: FieldRule, types: ValueTypes): FieldLens {
  const lens = typedLens(rule, types);
  // Mappings from before types were validated keep working for values of a suitable form.
  return namingLens(rule, types) ?? (typeof lens === 'object' ? lens : fieldLens(rule));
}

/** The lens of a field whose values name a user, an option or a country. */
function namingLens({ customerField }: FieldRule, { type, users }: ValueTypes): FieldLens | undefined {
  if (customerField === 'ownerId') return users && ownerLens(users);
  const { kind, options } = type.fields.get(customerField) ?? {};
  if (kind === 'SELECT' && options) return optionLens([...options.keys()]);
  return addressPart(customerField)?.part === 'countryCode' ? countryLens : undefined;
}

/** Why values of one field of a rule cannot become values of the other, for users; undefined when they can. */
export function typeFault(rule: FieldRule, types: ValueTypes): string | undefined {
  const lens = typedLens(rule, types);
  return typeof lens === 'string' ? lens : undefined;
}

function typedLens(rule: FieldRule, { type, fields, customFields }: ValueTypes): FieldLens | string | undefined {
  const field = fields.find(({ name }) => name === rule.peerField);
  const declared = declaredType(rule, type, customFields);
  const isPlain = rule.transform === 'NONE' && rule.toCustomer === undefined && rule.toPeer === undefined;
  if (!isPlain || !field) return undefined;
  return declared ? valueLens(declared, field) : listFault(rule.customerField, type, field);
}

/** A list is a value of list fields only. */
function listFault(
  name: string,
  type: ExchangedType,
  { type: peerType, declaredType }: RecordField,
): string | undefined {
  const { kind } = type.fields.get(name) ?? {};
  if (peerType === 'LIST' || peerType === 'JSON' || (kind !== 'TEXT_LIST' && kind !== 'OBJECT_LIST')) return undefined;
  return `A list is no value of ${declaredType ?? peerType}: ${insteadOfList(name, kind)}.`;
}

function insteadOfList(name: string, kind: 'TEXT_LIST' | 'OBJECT_LIST'): string {
  if (kind === 'TEXT_LIST') return 'give the field the transform COMMA_LIST';
  if (isContactList(name)) return 'give the field the transform FIRST_OF_LIST';
  return name === 'addresses' ? 'map its parts, such as addresses.city' : 'give the field JSONata';
}

/** Undefined for lists, which only lists convert to, and for custom fields that are not defined. */
function declaredType(
  { customerField: name, referenceMappingId }: FieldRule,
  type: ExchangedType,
  customFields: ValueTypes['customFields'],
): CustomerFieldType | undefined {
  const key = customKey(name);
  if (key !== undefined) return customFields.get(key);
  // The peer has the id of its own record for a reference: any text or number.
  if (addressPart(name) || referenceMappingId !== undefined) return 'TEXT';
  const { kind } = type.fields.get(name) ?? {};
  if (kind === 'TEXT_LIST' || kind === 'OBJECT_LIST') return undefined;
  return kind === 'OBJECT' ? 'MONEY' : kind;
}

/** The view of both sides is the customer's form. Values with an equal view stay as they are written. */
function lensOf({ toCustomer, toPeer }: Conversion): FieldLens {
  const ofPeer = (value: JsonValue) => (value === null ? null : toCustomer(value));
  const ofCustomer = (value: JsonValue) => (value === null ? null : ofPeer(toPeer(value)));
  return {
    ofPeer,
    ofCustomer,
    toCustomer: (view, current) => (ofCustomer(current) === view ? current : view),
    toPeer: (view, current) => {
      if (view === null) return null;
      return ofPeer(current) === view ? current : toPeer(view);
    },
  };
}

const same: Conversion = { toCustomer: (value) => value, toPeer: (value) => value };

function conversionOf(
  ofCustomer: CustomerFieldType,
  { type, declaredType, fractionDigits, isFormatted, timeZone }: RecordField,
): Conversion | undefined {
  const of = (conversions: Partial<Record<CustomerFieldType, Conversion>>) => conversions[ofCustomer];
  switch (type) {
    case 'TEXT':
      if (isFormatted) return of({ TEXT: same, SELECT: same, ...(declaredType === 'uuid' && { REFERENCE: same }) });
      if (textual.includes(ofCustomer)) return same;
      return of({ NUMBER: numberOfText, BOOLEAN: booleanOfText });
    case 'NUMBER':
      return of({ NUMBER: same, DECIMAL: decimalOfNumber, TEXT: textOfNumber });
    case 'DECIMAL':
      return of({ NUMBER: numberOfText, DECIMAL: decimalOf(fractionDigits), TEXT: same });
    case 'BOOLEAN':
      return of({ BOOLEAN: same, TEXT: textOfBoolean });
    case 'DATE':
      return of({ DATE: same, TEXT: same });
    case 'TIME':
      return of({ TIME: milliseconds, TEXT: same });
    case 'LOCAL_TIME':
      return of({ TEXT: same, ...(timeZone !== undefined && { TIME: zoned(timeZone) }) });
    case 'JSON':
      // A JSON value has its own type.
      return same;
    case 'LIST':
      return of({ MULTI_SELECT: same });
    case 'UNSUPPORTED':
      return undefined;
    default:
      return type satisfies never;
  }
}

/** Types of customers with text values. */
const textual: CustomerFieldType[] = ['TEXT', 'DECIMAL', 'DATE', 'TIME', 'SELECT', 'URL', 'REFERENCE'];

const numberOfText: Conversion = {
  toCustomer: (value) => (typeof value === 'string' ? (exactNumber(value) ?? value) : value),
  toPeer: (value) => (typeof value === 'number' ? (plainDecimal(String(value)) ?? value) : value),
};

/** A decimal of a customer keeps trailing zeros, which show its precision; that of a column has the scale of the column. */
function decimalOf(fractionDigits: number | undefined): Conversion {
  const form = (value: JsonValue) => {
    const decimal = typeof value === 'string' ? plainDecimal(value) : undefined;
    if (decimal === undefined) return value;
    return fractionDigits === undefined ? decimal : withFraction(decimal, Math.min(fractionDigits, maxFractionDigits));
  };
  return { toCustomer: form, toPeer: form };
}

const decimalOfNumber: Conversion = {
  toCustomer: (value) => (typeof value === 'number' ? (plainDecimal(String(value)) ?? value) : value),
  toPeer: (value) => (typeof value === 'string' ? (exactNumber(value) ?? value) : value),
};

const textOfNumber: Conversion = {
  toCustomer: (value) => (typeof value === 'number' ? String(value) : value),
  // A text is a number only if the number converts back to the same text.
  toPeer: (value) => (typeof value === 'string' && String(Number(value)) === value ? Number(value) : value),
};

const textOfBoolean: Conversion = {
  toCustomer: (value) => (typeof value === 'boolean' ? String(value) : value),
  toPeer: (value) => (value === 'true' || value === 'false' ? value === 'true' : value),
};

const booleanOfText: Conversion = { toCustomer: textOfBoolean.toPeer, toPeer: textOfBoolean.toCustomer };

/** Customers has milliseconds. More precise times of a column stay as long as their milliseconds are equal. */
const milliseconds: Conversion = {
  toCustomer: (value) =>
    typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? new Date(value).toISOString() : value,
  toPeer: (value) => value,
};

function zoned(timeZone: string): Conversion {
  return {
    toCustomer: (value) => (typeof value === 'string' ? (momentOf(value, timeZone) ?? value) : value),
    toPeer: (value) => (typeof value === 'string' ? (localTimeOf(value, timeZone) ?? value) : value),
  };
}
