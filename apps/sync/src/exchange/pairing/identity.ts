import type { JsonValue } from '../../connectors/peer-record.js';
import type { ExchangedRecord } from '../mappings/lenses/field-values.js';
import { customKey, isObject, recordValue } from '../mappings/lenses/field-values.js';
import type { Views } from '../mappings/mapping-views.js';
import type { Mapping } from '../mappings/mapping.entity.js';
import { exchangedType } from '../mappings/records/exchanged-types.js';
import { areNamesAlike, areWordsAlike, nameWords, soundOf } from './name-likeness.js';

/** What identifies a customer or a record. */
export interface Identity {
  /** Words of the name. */
  name: readonly string[];
  birthDate: string | undefined;
  phones: readonly string[];
  /** Values of match fields, by field. Only one customer and one record should have each. */
  unique: ReadonlyMap<string, readonly string[]>;
  /** Id of the record, which customers stores as external id. */
  externalId: string | undefined;
}

type Rules = Pick<Mapping, 'object' | 'fields' | 'matchFields' | 'externalIdSystem'>;

/** Rank of a match: 3 by external id, 2 by a match field without contradiction, 1 if it may be coincidence. */
export interface Likeness {
  grade: 1 | 2 | 3;
  /** Whether the match is certain enough to count even if one of the two has a pair already. */
  isAlike: boolean;
  score: number;
  reasons: string[];
}

/** Number of significant digits of a phone number. Dialling prefixes differ. */
const phoneDigits = 8;
const minPhoneDigits = 6;

/** Score of each kind of agreement on its own, in percent. */
const weights: Readonly<Record<string, number>> = { EXTERNAL_ID: 99, NAME: 60, PHONE: 50, BIRTH_DATE: 40 };
const uniqueWeight = 70;

function matchFieldsOf({ object, matchFields, fields }: Rules): string[] {
  if (matchFields.length > 0) return matchFields;
  return uniqueFields(object).filter((name) => fields.some(({ customerField }) => customerField === name));
}

/** Fields that are unique among live records of a type, such as the e-mail addresses of customers. */
function uniqueFields(object: string): string[] {
  return [...exchangedType(object).fields.values()].filter(({ isUnique }) => isUnique).map(({ name }) => name);
}

/** All values of the customer, not only those that the mapping shows: each of its addresses may match the record. */
export function identityOfCustomer(customer: ExchangedRecord, rules: Rules): Identity {
  const type = exchangedType(rules.object);
  const value = (field: string) => recordValue(type, customer, field);
  const text = (field: string) => textOf(value(field));
  const mapped = (name: string) => rules.fields.some(({ customerField }) => customerField === name);
  const parts = `${text('givenName')} ${text('familyName')}`.trim();
  const isByParts = mapped('givenName') || mapped('familyName') || text('displayName') === '';
  return {
    name: nameWords((isByParts && parts) || text('displayName')),
    birthDate: text('birthDate') || undefined,
    phones: textsOf(value('phones')).flatMap(phoneKey),
    unique: new Map(matchFieldsOf(rules).map((field) => [field, textsOf(value(field))])),
    externalId: externalIdOf(value('externalIds'), rules),
  };
}

/** @param views of the record */
export function identityOfRecord(recordId: string, views: Views, rules: Rules): Identity {
  const text = (field: string) => textsOf(views[field] ?? null)[0] ?? '';
  const parts = `${text('givenName')} ${text('familyName')}`.trim();
  return {
    name: nameWords(parts || text('displayName')),
    birthDate: text('birthDate') || undefined,
    phones: textsOf(views['phones'] ?? null).flatMap(phoneKey),
    unique: new Map(matchFieldsOf(rules).map((field) => [field, textsOf(views[field] ?? null)])),
    externalId: rules.externalIdSystem === null || rules.externalIdSystem === undefined ? undefined : recordId,
  };
}

function externalIdOf(ids: JsonValue, { externalIdSystem }: Rules): string | undefined {
  const found = (Array.isArray(ids) ? ids : []).find((id) => isObject(id) && id['system'] === externalIdSystem);
  return isObject(found) && typeof found['value'] === 'string' ? found['value'] : undefined;
}

/** Unique values of a record, by field name of customers' filters. */
export function uniqueTexts(views: Views, { object }: Rules): Record<string, string[]> {
  return Object.fromEntries(uniqueFields(object).map((field) => [field, textsOf(views[field] ?? null)]));
}

/** Keys of unique values: equal for a customer and for the views of a record. */
export function uniqueKeysOf(values: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(values).flatMap(([field, texts]) => texts.map((text) => uniqueKey(field, text)));
}

export function uniqueTextsOfCustomer(customer: ExchangedRecord, { object }: Rules): Record<string, string[]> {
  const type = exchangedType(object);
  return Object.fromEntries(uniqueFields(object).map((field) => [field, textsOf(recordValue(type, customer, field))]));
}

function uniqueKey(field: string, text: string): string {
  return `u ${field} ${text}`;
}

/**
 * Blocking keys: two identities of the same person or company probably share one. Names contribute their Soundex code,
 * and each word with the first or last letter of another, so that an error in any one word leaves a key.
 */
export function keysOf({ name, birthDate, phones, unique, externalId }: Identity): string[] {
  const words = [...new Set(name)].sort();
  const keys = [
    ...(externalId === undefined ? [] : [`x ${externalId}`]),
    ...[...unique].flatMap(([field, values]) => values.map((value) => uniqueKey(field, value))),
    ...phones.map((phone) => `p ${phone}`),
    ...(birthDate === undefined ? [] : [`b ${birthDate}`]),
    ...(words.length === 0 ? [] : [`n ${words.join(' ')}`, `s ${words.map(soundOf).sort().join(' ')}`]),
    ...words.flatMap((word) =>
      words
        .filter((other) => other !== word)
        .flatMap((other) => [`w ${word} ${other.slice(0, 1)}`, `l ${word} ${other.slice(-1)}`]),
    ),
  ];
  return [...new Set(keys)];
}

/** How two identities match; undefined when they agree by coincidence at most. */
export function likeness(customer: Identity, record: Identity): Likeness | undefined {
  const alike = areNamesAlike(customer.name, record.name);
  const { isSame: isSameBirth, isOther: isOtherBirth } = compareBirths(customer.birthDate, record.birthDate);
  const isSameExternalId = record.externalId !== undefined && customer.externalId === record.externalId;
  const shared = sharedReasons(customer, record);
  const reasons = [
    ...(isSameExternalId ? ['EXTERNAL_ID'] : []),
    ...shared,
    ...(record.phones.some((phone) => customer.phones.includes(phone)) ? ['PHONE'] : []),
    ...(alike && isTelling(customer.name, record.name) ? ['NAME'] : []),
    ...(isSameBirth && haveWordInCommon(customer.name, record.name) ? ['BIRTH_DATE'] : []),
  ];
  if (reasons.length === 0) return undefined;
  const isSure = shared.length > 0 && isNothingContrary(customer.name, record.name, alike) && !isOtherBirth;
  return {
    grade: gradeOf(isSameExternalId, isSure),
    isAlike: alike || isSameBirth || shared.length > 0,
    score: scoreOf(reasons, isOtherBirth),
    reasons,
  };
}

/** Whether the names do not contradict. A missing name contradicts nothing. */
function isNothingContrary(one: readonly string[], other: readonly string[], alike: boolean): boolean {
  return alike || one.length === 0 || other.length === 0;
}

function gradeOf(isSameExternalId: boolean, isSure: boolean): Likeness['grade'] {
  if (isSameExternalId) return 3;
  return isSure ? 2 : 1;
}

/** The match fields in which two identities share a value. */
function sharedReasons(customer: Identity, record: Identity): string[] {
  return [...record.unique]
    .filter(([field, values]) => values.some((value) => customer.unique.get(field)?.includes(value)))
    .map(([field]) => reasonOf(field));
}

/** Whether similar names are significant: a single word is only when both have no other. */
function isTelling(one: readonly string[], other: readonly string[]): boolean {
  return Math.min(one.length, other.length) > 1 || one.join(' ') === other.join(' ');
}

function haveWordInCommon(one: readonly string[], other: readonly string[]): boolean {
  return one.some((word) => other.some((each) => areWordsAlike(word, each)));
}

/** @param isDoubted when something contradicts the match */
function scoreOf(reasons: readonly string[], isDoubted: boolean): number {
  const unlike = reasons.reduce((left, reason) => left * (1 - (weights[reason] ?? uniqueWeight) / 100), 1);
  return Math.max(1, Math.min(99, Math.round((isDoubted ? 50 : 100) * (1 - unlike))));
}

/** Two dates that differ in more than one of year, month and day are no typing error. */
function compareBirths(one: string | undefined, other: string | undefined): { isSame: boolean; isOther: boolean } {
  if (one === undefined || other === undefined) return { isSame: false, isOther: false };
  const [parts, others] = [one.split('-'), other.split('-')];
  const differing = parts.filter((part, place) => part !== others[place]).length;
  const isSwapped = parts[0] === others[0] && parts[1] === others[2] && parts[2] === others[1];
  return { isSame: differing === 0, isOther: differing > 1 && !isSwapped };
}

function reasonOf(field: string): string {
  if (field === 'emails') return 'EMAIL';
  return field === 'domains' ? 'DOMAIN' : (customKey(field) ?? field);
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : '';
}

function phoneKey(number: string): string[] {
  const digits = number.replaceAll(/\D/g, '');
  return digits.length < minPhoneDigits ? [] : [digits.slice(-phoneDigits)];
}

/** The texts of a value in their form for comparison: each item of a list, and the address or number of contact data. */
function textsOf(value: JsonValue): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (isObject(value)) return textsOf(value['address'] ?? value['number'] ?? null);
  if (value === null || typeof value === 'boolean') return [];
  const text = String(value).trim().toLowerCase();
  return text === '' ? [] : [text];
}
