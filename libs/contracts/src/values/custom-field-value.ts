import { createHash } from 'node:crypto';
import type { FieldViolation, ViolationCode } from '@rapport/platform';
import type { CustomFieldOption } from '../gen/rapport/customers/v1/custom_fields_service.js';
import { isStorableText } from '../rules/formats.js';
import { isIsoCurrency } from './currency-codes.js';
import { decimalOrderValue, numberOrderValue } from './order-value.js';
import { fold, sortName } from './search-text.js';

/** The types of custom fields, by their names in the contract. */
export const customFieldTypes = [
  'TEXT',
  'NUMBER',
  'DECIMAL',
  'MONEY',
  'DATE',
  'TIME',
  'BOOLEAN',
  'SELECT',
  'MULTI_SELECT',
  'URL',
  'REFERENCE',
] as const;

export type CustomFieldType = (typeof customFieldTypes)[number];

/** The part of a custom field's definition that comparisons need. */
export interface CustomFieldDefinition {
  key: string;
  type: CustomFieldType;
  options: readonly CustomFieldOption[];
  /** Key of the parent whose records have the field, for types with parents. */
  parentKey?: string | null;
}

/** A value in its stored form, undefined for an absent one, or the error of an invalid one. */
export type ReadValue = { value: unknown } | Pick<FieldViolation, 'reason' | 'description'>;

/** Reading, terms and order of the values of a type. `value` is always a result of `read`. */
export interface CustomFieldKind {
  read(given: unknown, options: readonly CustomFieldOption[]): ReadValue;
  /** The texts by which an equal value is found, at most 300 characters: one, for MULTI_SELECT one for each option. */
  terms(value: unknown): string[];
  /** Text of at most 200 characters that sorts byte by byte as the values do. Undefined for types without an order. */
  order?: (value: unknown) => string;
  /** Whether `q` searches in it. */
  searchable: boolean;
}

const maxLength = { text: 1_000, url: 2_000, items: 50, option: 400 };
const decimalPattern = /^[-+]?\d{1,18}(\.\d{1,9})?$/;

/** Code points of a term that are text: an entry of a GIN index has at most 2,704 bytes. */
const maxTermLength = 200;

/** Most options that the description of a wrong value lists. */
const maxNamedOptions = 10;

/** The implementation of each type of custom field. */
export const customFieldKinds: Readonly<Record<CustomFieldType, CustomFieldKind>> = {
  TEXT: {
    read: readText,
    terms: foldedTerm,
    order: (value) => sortName(value as string),
    searchable: true,
  },
  NUMBER: {
    // -0 is 0.
    read: (given) =>
      Number.isFinite(given) ? { value: (given as number) + 0 } : wrong('WRONG_TYPE', 'must be a number.'),
    terms: (value) => [String(value)],
    order: (value) => numberOrderValue(value as number),
    searchable: false,
  },
  DECIMAL: {
    read: readDecimal,
    terms: (value) => [decimalOrderValue(value as string)],
    order: (value) => decimalOrderValue(value as string),
    searchable: false,
  },
  MONEY: {
    read: readMoney,
    terms: (value) => [moneyOrderValue(value as MoneyValue)],
    order: (value) => moneyOrderValue(value as MoneyValue),
    searchable: false,
  },
  DATE: { read: readDate, terms: textTerm, order: (value) => value as string, searchable: false },
  TIME: { read: readTime, terms: textTerm, order: (value) => value as string, searchable: false },
  BOOLEAN: {
    read: (given) => (typeof given === 'boolean' ? { value: given } : wrong('WRONG_TYPE', 'must be true or false.')),
    terms: (value) => [String(value)],
    searchable: false,
  },
  SELECT: { read: readOption, terms: foldedTerm, searchable: true },
  MULTI_SELECT: {
    read: readOptions,
    terms: (value) => (value as string[]).flatMap(foldedTerm),
    searchable: true,
  },
  URL: { read: readUrl, terms: foldedTerm, searchable: true },
  REFERENCE: { read: readReference, terms: textTerm, searchable: false },
};

/** An amount of money as JSON has it. */
export interface MoneyValue {
  amount: string;
  currencyCode: string;
}

function wrong(reason: ViolationCode, description: string): ReadValue {
  return { reason, description };
}

function textTerm(value: unknown): string[] {
  return [value as string];
}

/** A long text ends in its hash, so that two with the same start stay distinct. */
function foldedTerm(value: unknown): string[] {
  const text = fold(value as string);
  const start = Array.from(text).slice(0, maxTermLength).join('');
  return [start === text ? text : `${start} ${createHash('sha256').update(text).digest('base64url')}`];
}

function readText(given: unknown): ReadValue {
  if (typeof given !== 'string') return wrong('WRONG_TYPE', 'must be a text.');
  if (!isStorableText(given)) return wrong('BAD_CHARACTERS', 'has a NUL or a broken character.');
  const value = given.trim();
  if (value === '') return wrong('TOO_SHORT', 'must not be blank.');
  if (Array.from(value).length > maxLength.text) {
    return wrong('TOO_LONG', `must have at most ${maxLength.text} characters.`);
  }
  return { value };
}

/** Decimals are kept as given except for a plus sign and leading zeros. Trailing zeros show the precision. */
function readDecimal(given: unknown): ReadValue {
  if (typeof given !== 'string' || !decimalPattern.test(given)) {
    return wrong('BAD_FORMAT', 'must be a decimal number as text, such as "1250.50".');
  }
  return { value: plainDecimal(given) };
}

function plainDecimal(decimal: string): string {
  const [integer = '', fraction = ''] = decimal.replace(/^[-+]/, '').split('.');
  const number = [integer.replace(/^0+(?=\d)/, ''), fraction].filter((part) => part !== '').join('.');
  return decimal.startsWith('-') && /[1-9]/.test(number) ? `-${number}` : number;
}

function readMoney(given: unknown): ReadValue {
  const { amount, currencyCode, ...others } = (
    typeof given === 'object' && given !== null ? given : {}
  ) as Partial<MoneyValue>;
  const isMoney =
    typeof amount === 'string' &&
    decimalPattern.test(amount) &&
    typeof currencyCode === 'string' &&
    Object.keys(others).length === 0;
  if (!isMoney) {
    return wrong('BAD_FORMAT', 'must be an object such as {"amount": "12.50", "currencyCode": "EUR"}.');
  }
  if (!isIsoCurrency(currencyCode)) return wrong('UNKNOWN_VALUE', 'must have a currency code of ISO 4217.');
  return { value: { amount: plainDecimal(amount), currencyCode } };
}

/** Text that sorts byte by byte by currency and amount. */
export function moneyOrderValue({ amount, currencyCode }: MoneyValue): string {
  return `${currencyCode} ${decimalOrderValue(amount)}`;
}

function readDate(given: unknown): ReadValue {
  return isCalendarDate(given) ? { value: given } : wrong('BAD_FORMAT', 'must be a day such as "2026-01-31".');
}

/** Whether a text is a day of the calendar, as YYYY-MM-DD. */
export function isCalendarDate(text: unknown): text is string {
  if (typeof text !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(text) || text.startsWith('0000')) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function readTime(given: unknown): ReadValue {
  // JavaScript reads 30 February as 2 March, and 24:00 as the next day.
  const isTime =
    typeof given === 'string' &&
    /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i.test(given) &&
    isCalendarDate(given.slice(0, 10));
  const time = new Date(isTime ? given.toUpperCase() : Number.NaN);
  const year = time.getUTCFullYear();
  if (year >= 1 && year <= 9999) return { value: time.toISOString() };
  return wrong('BAD_FORMAT', 'must be a time such as "2026-01-31T09:30:00Z".');
}

function readOption(given: unknown, options: readonly CustomFieldOption[]): ReadValue {
  // Longer than any option: folding it takes long.
  const folded = typeof given === 'string' && given.length <= maxLength.option ? fold(given) : undefined;
  const value = folded === undefined ? undefined : valuesByFold(options).get(folded);
  if (value !== undefined) return { value };
  const named = options.slice(0, maxNamedOptions).map(({ value }) => value);
  return wrong('UNKNOWN_VALUE', `must be one of ${named.join(', ')}${options.length > named.length ? ', …' : ''}.`);
}

const folds = new WeakMap<readonly CustomFieldOption[], ReadonlyMap<string, string>>();

/** A batch looks up the same options a million times. */
function valuesByFold(options: readonly CustomFieldOption[]): ReadonlyMap<string, string> {
  const known = folds.get(options) ?? new Map(options.map(({ value }) => [fold(value), value]));
  folds.set(options, known);
  return known;
}

function readOptions(given: unknown, options: readonly CustomFieldOption[]): ReadValue {
  if (!Array.isArray(given)) return wrong('WRONG_TYPE', 'must be a list of the options.');
  if (given.length > maxLength.items) return wrong('TOO_MANY_ITEMS', `must have at most ${maxLength.items} items.`);
  if (given.length === 0) return { value: undefined };
  const read = given.map((item) => readOption(item, options));
  const values: unknown[] = [];
  for (const item of read) {
    if (!('value' in item)) return item;
    if (!values.includes(item.value)) values.push(item.value);
  }
  return { value: values };
}

function readUrl(given: unknown): ReadValue {
  const isUrl =
    typeof given === 'string' &&
    given.length <= maxLength.url &&
    isStorableText(given) &&
    /^https?:\/\/[^\s]+$/i.test(given) &&
    URL.canParse(given);
  return isUrl ? { value: given } : wrong('BAD_FORMAT', 'must be an absolute http or https URL.');
}

function readReference(given: unknown): ReadValue {
  const isId = typeof given === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(given);
  return isId ? { value: given } : wrong('BAD_FORMAT', 'must be the id of a customer.');
}
