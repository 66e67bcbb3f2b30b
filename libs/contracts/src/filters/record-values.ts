import {
  customFieldKinds,
  moneyOrderValue,
  type CustomFieldDefinition,
  type MoneyValue,
} from '../values/custom-field-value.js';
import { sortName } from '../values/search-text.js';
import type { FilterField } from './filter-fields.js';
import type { ComparedField } from './filter-test.js';
import { microTime } from './read-value.js';
import { comparedTerm, relatedText, storedTerms } from './term-texts.js';

/** A record in the JSON form of its message: names in lowerCamelCase, and no members for absent fields. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** Reads the values of a field in comparable form. */
export interface ComparedValues {
  isPresent: (record: JsonRecord) => boolean;
  /** Texts for equality and substrings: one of them must match. */
  texts: (record: JsonRecord) => readonly string[];
  /** The value for order comparisons; undefined for a record without a value. */
  ordered: (record: JsonRecord) => string | number | undefined;
}

export function valuesOf(field: ComparedField): ComparedValues {
  if (field.type === 'custom') return customValues(field.definition);
  if (field.type === 'related') return relatedValues(field.field.name, field.of);
  const read = readerOf(field);
  const compared = comparedBy(field);
  const order = orderOf(field);
  return {
    isPresent: presenceOf(field, read),
    texts: (record) => read(record).flatMap((value) => compared(value as string)),
    ordered: (record) => {
      const [value] = read(record);
      return value === undefined ? undefined : order(value);
    },
  };
}

function customValues({ key, type }: CustomFieldDefinition): ComparedValues {
  const kind = customFieldKinds[type];
  const value = (record: JsonRecord) => (record['customFields'] as JsonRecord | undefined)?.[key];
  const order = (record: JsonRecord) => {
    const found = value(record);
    return found === undefined ? undefined : kind.order?.(found);
  };
  const terms = (record: JsonRecord) => {
    const found = value(record);
    return found === undefined ? [] : kind.terms(found);
  };
  return {
    isPresent: (record) => value(record) !== undefined,
    // Only ordered values support prefixes.
    texts: (record) => [...terms(record), ...[order(record)].flatMap((text) => text ?? [])],
    ordered: order,
  };
}

function relatedValues(name: string, of: string): ComparedValues {
  const texts = (record: JsonRecord) =>
    (itemsOf(record[name]) as { type: string; id: string }[]).flatMap(({ type, id }) =>
      type === of ? [relatedText(type, id)] : [],
    );
  return { isPresent: (record) => texts(record).length > 0, texts, ordered: () => undefined };
}

/** The values of a field: one for each entry of a list. */
function readerOf({ field, list, ...named }: FilterField): (record: JsonRecord) => readonly unknown[] {
  if (list) {
    const read = named.type === 'key' && named.hasSystem ? systemValue : (item: JsonRecord) => item[field.name];
    return (record) => itemsOf(record[list.name]).flatMap((item) => nonEmpty(read(item as JsonRecord)));
  }
  if (field.desc.fieldKind === 'list') return (record) => itemsOf(record[field.name]);
  return (record) => nonEmpty(record[field.name]);
}

const systemValue = (item: JsonRecord) => `${item['system'] as string}/${item['value'] as string}`;

const itemsOf = (list: unknown) => (list as readonly unknown[] | undefined) ?? [];

const nonEmpty = (value: unknown) => (value === undefined || value === null || value === '' ? [] : [value]);

/** For the key of items, presence means that there is an item; for other parts, that one has a text. */
function presenceOf({ field, list }: FilterField, read: (record: JsonRecord) => readonly unknown[]) {
  if (list && field.isRequired) return (record: JsonRecord) => itemsOf(record[list.name]).length > 0;
  return (record: JsonRecord) => read(record).length > 0;
}

function comparedBy(field: FilterField): (text: string) => readonly string[] {
  switch (field.type) {
    case 'term':
      return (value) => storedTerms(field.field, String(value)).map((each) => comparedTerm(field.field, each));
    case 'key':
      return (text) => [field.hasSystem ? text : text.toLowerCase()];
    case 'name':
      return (text) => [sortName(text)];
    case 'value':
      return (value) => [String(orderOf(field)(value))];
    case 'enum':
    case 'id':
    case 'owner':
    case 'related':
    case 'time':
      return (text) => [text];
  }
}

function orderOf(field: FilterField): (value: unknown) => string | number {
  if (field.type === 'time') return (value) => microTime(value as string);
  if (field.type === 'name') return (value) => sortName(value as string);
  if (field.type !== 'value' || field.of === 'DATE') return (value) => value as string;
  return field.of === 'MONEY' ? (value) => moneyOrderValue(value as MoneyValue) : Number;
}
