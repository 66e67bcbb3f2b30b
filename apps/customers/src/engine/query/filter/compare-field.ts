import { customFieldKinds, sortName, soughtTerms, type FilterField } from '@rapport/contracts/filters';
import { findableTerms, term } from '../../fields/terms.js';
import { currentSeal, type Seal } from '../../sealing/seal.js';
import { readCurrency, readTypedValue } from './compare-custom-field.js';
import { compareKey } from './compare-key.js';
import type { Comparison } from './comparison.js';
import { indexed, rowOnly, type Condition, type Sql } from './condition.js';
import { prefixRange } from './prefix-range.js';

/** Compares a field that every record of the type has. */
export function compareField(field: FilterField, comparison: Comparison): Condition {
  switch (field.type) {
    case 'term':
      return compareTerm(field, comparison);
    case 'owner':
      comparison.assertOneOf({});
      if (comparison.isPresence) return hasValue(comparison, field.field.column);
      return comparison.hasTerm([term(comparison.type, field.name, readUuid(comparison))]);
    case 'enum':
      return compareEnum(field, comparison);
    case 'id':
      return compareId(field.field.column, comparison);
    case 'time':
      return compareTime(field, comparison);
    case 'value':
      return compareValue(field, comparison);
    case 'name':
      return compareName(field, comparison);
    case 'key':
      return compareKey(field, comparison);
  }
}

function hasValue({ table }: Comparison, column: string): Condition {
  return rowOnly(`${table}.${column} is not null`);
}

function compareTerm(named: FilterField, comparison: Comparison): Condition {
  const { name, field } = named;
  comparison.assertOneOf({});
  if (comparison.isPresence) return rowOnly(hasTermValue(named, comparison.table));
  const texts = soughtTerms(field, comparison.text);
  if (texts.length === 0) throw comparison.valueError('must have digits');
  return comparison.hasTerm([...new Set(texts.flatMap((text) => findableTerms(comparison.type, name, text)))]);
}

/** What is true of a row that has a text which terms are made of. */
function hasTermValue({ field, list }: FilterField, table: string): string {
  if (!list) return `${table}.${field.column} ${field.desc.fieldKind === 'list' ? "<> '{}'" : 'is not null'}`;
  if (field.isRequired) return `${table}.${list.column} <> '[]'`;
  return `exists (select from jsonb_array_elements(${table}.${list.column}) item where item->>'${field.name}' <> '')`;
}

function compareEnum(field: FilterField & { type: 'enum' }, comparison: Comparison): Condition {
  comparison.assertOneOf({ order: field.ordered });
  if (comparison.isPresence) return hasValue(comparison, field.field.column);
  const position = field.names.indexOf(comparison.text.toUpperCase());
  if (position < 0) throw comparison.valueError(`must be one of ${field.names.join(', ')}`);
  const isMet = field.names.filter((_, index) => compareNumbers(index, comparison.operator, position));
  return comparison.hasTerm(isMet.map((name) => term(comparison.type, field.name, name)));
}

function compareNumbers(left: number, operator: Comparison['operator'], right: number): boolean {
  switch (operator) {
    case '=':
    case ':':
      return left === right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
  }
}

function compareId(column: string, comparison: Comparison): Condition {
  comparison.assertOneOf({});
  if (comparison.isPresence) return hasValue(comparison, column);
  const condition = indexed(`${comparison.table}.${column} = ?::uuid`, [readUuid(comparison)]);
  return { ...condition, few: column === 'id' };
}

function compareTime({ name, field: { column } }: FilterField, comparison: Comparison): Condition {
  if (comparison.isPresence) return hasValue(comparison, column);
  if (comparison.restriction.value.isPrefix) throw comparison.valueError('can not end in *');
  const time = readTime(comparison);
  const operator = comparison.operator === ':' ? '=' : comparison.operator;
  return orderedBy(name, `${comparison.table}.${column}`, (on) => ({
    sql: `${on} ${operator} ?::timestamptz`,
    params: [time],
  }));
}

/** Compares days, numbers and money as custom fields of these types are compared. */
function compareValue(compared: FilterField & { type: 'value' }, comparison: Comparison): Condition {
  const { name, field, of, isWhole } = compared;
  const sorted = comparison.type.sortColumn(field);
  comparison.assertOneOf({ prefix: of === 'MONEY', order: true });
  if (comparison.isPresence) return hasValue(comparison, field.column);
  const operator = comparison.operator === ':' ? '=' : comparison.operator;
  const value = comparison.isPrefix ? undefined : readTypedValue({ type: of, options: [] }, comparison);
  return orderedBy(name, `${comparison.table}.${sorted}`, (on) => {
    if (value === undefined) return prefixRange(on, readCurrency(comparison));
    if (isWhole) return compareWhole(on, operator, value as number);
    if (of === 'NUMBER') return { sql: `${on} ${operator} ?::numeric`, params: [value as number] };
    return { sql: `${on} ${operator} ?`, params: [customFieldKinds[of].order?.(value) ?? ''] };
  });
}

/** Compares a whole number with any: with a fraction no index of whole numbers would be read. */
function compareWhole(on: string, operator: string, value: number): Sql {
  if (operator === '=' && !Number.isSafeInteger(value)) return { sql: 'false', params: [] };
  const next = operator === '<' || operator === '>=' ? Math.ceil(value) : Math.floor(value);
  const bound = Math.min(Math.max(next, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  return { sql: `${on} ${operator} ?::bigint`, params: [bound] };
}

function compareName({ name, field }: FilterField, comparison: Comparison): Condition {
  comparison.assertOneOf({ prefix: true, order: true });
  if (comparison.isPresence) return hasValue(comparison, field.column);
  const sorted = comparison.type.sortColumn(field);
  const seal = currentSeal();
  if (seal && comparison.type.isPersonal(name)) return compareSealedName(seal, name, sorted, comparison);
  const text = sortName(comparison.text);
  const operator = comparison.operator === ':' ? '=' : comparison.operator;
  return orderedBy(name, `${comparison.table}.${sorted}`, (on) =>
    comparison.isPrefix ? prefixRange(on, text) : { sql: `${on} ${operator} ?`, params: [text] },
  );
}

/** Of a name that is sealed only equal ones are found. */
function compareSealedName(seal: Seal, name: string, sorted: string, comparison: Comparison): Condition {
  if (comparison.isPrefix || !comparison.isEquality) {
    throw comparison.encryptedError('can be compared by =, != and ":*" only');
  }
  const text = sortName(comparison.text);
  const texts = [seal.blind(name, text), ...(seal.isComplete ? [] : [text])];
  return indexed(`${comparison.table}.${sorted} in (${texts.map(() => '?').join(', ')})`, texts);
}

/** A range of a column that has an index of its own. */
function orderedBy(name: string, column: string, on: (column: string) => Sql): Condition {
  const { sql, params } = on(column);
  return { ...indexed(sql, params), range: { orderedBy: name, on } };
}

function readUuid(comparison: Comparison): string {
  const text = comparison.text.toLowerCase();
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return text;
  throw comparison.valueError('must be a UUID');
}

/** PostgreSQL refuses the years before 1 and has another way to write those after 9999. */
function readTime(comparison: Comparison): string {
  const { text } = comparison;
  const isTime = /^\d{4}-\d\d-\d\d([Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d))?$/.test(text);
  const time = new Date(isTime ? text.toUpperCase() : Number.NaN);
  const year = time.getUTCFullYear();
  if (year >= 1 && year <= 9999) return time.toISOString();
  throw comparison.valueError('must be a time such as "2026-01-31T09:30:00Z" or a date such as 2026-01-31');
}
