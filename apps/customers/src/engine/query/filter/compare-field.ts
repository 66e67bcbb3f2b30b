import { customFieldKinds } from '../../fields/custom-field-value.js';
import { findableTerms, soughtTexts, term } from '../../fields/terms.js';
import { currentSeal, type Seal } from '../../sealing/seal.js';
import { sortName } from '../../values/search-text.js';
import type { FilterField } from '../../fields/filter-fields.js';
import { readCurrency, readTypedValue } from './compare-custom-field.js';
import { compareKey } from './compare-key.js';
import type { Comparison } from './comparison.js';
import { indexed, rowOnly, type Condition, type Sql } from './condition.js';
import { prefixRange } from './prefix-range.js';

/** Compares a field that every record of the type has. */
export function compareField(name: string, field: FilterField, comparison: Comparison): Condition {
  switch (field.type) {
    case 'term':
      return compareTerm(field.field, `${comparison.table}.${field.column} is not null`, comparison);
    case 'listed':
      return compareTerm(field.field, field.hasValue.replaceAll('%', comparison.table), comparison);
    case 'owner':
      comparison.assertOneOf({});
      if (comparison.isPresence) return hasValue(comparison, field.column);
      return comparison.hasTerm([term(comparison.type, field.field, readUuid(comparison))]);
    case 'enum':
      return compareEnum(field, comparison);
    case 'id':
      return compareId(field.column, comparison);
    case 'time':
      return compareTime(name, field.column, comparison);
    case 'value':
      return compareValue(name, field, comparison);
    case 'name':
      return compareName(name, field, comparison);
    case 'key':
      return compareKey(field, comparison);
  }
}

function hasValue({ table }: Comparison, column: string): Condition {
  return rowOnly(`${table}.${column} is not null`);
}

function compareTerm(field: string, presence: string, comparison: Comparison): Condition {
  comparison.assertOneOf({});
  if (comparison.isPresence) return rowOnly(presence);
  const texts = soughtTexts(comparison.type, field, comparison.text);
  if (texts.length === 0) throw comparison.valueError('must have digits');
  return comparison.hasTerm([...new Set(texts.flatMap((text) => findableTerms(comparison.type, field, text)))]);
}

function compareEnum(field: FilterField & { type: 'enum' }, comparison: Comparison): Condition {
  comparison.assertOneOf({ order: field.ordered });
  if (comparison.isPresence) return hasValue(comparison, field.column);
  const position = field.names.indexOf(comparison.text.toUpperCase());
  if (position < 0) throw comparison.valueError(`must be one of ${field.names.join(', ')}`);
  const isMet = field.names.filter((_, index) => compareNumbers(index, comparison.operator, position));
  return comparison.hasTerm(isMet.map((name) => term(comparison.type, field.field, name)));
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

function compareTime(name: string, column: string, comparison: Comparison): Condition {
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
function compareValue(name: string, field: FilterField & { type: 'value' }, comparison: Comparison): Condition {
  const { column, sorted, of } = field;
  comparison.assertOneOf({ prefix: of === 'MONEY', order: true });
  if (comparison.isPresence) return hasValue(comparison, column);
  const operator = comparison.operator === ':' ? '=' : comparison.operator;
  const value = comparison.isPrefix ? undefined : readTypedValue({ type: of, options: [] }, comparison);
  return orderedBy(name, `${comparison.table}.${sorted}`, (on) => {
    if (value === undefined) return prefixRange(on, readCurrency(comparison));
    if (field.isWhole) return compareWhole(on, operator, value as number);
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

function compareName(name: string, { column, sorted }: FilterField & { type: 'name' }, comparison: Comparison) {
  comparison.assertOneOf({ prefix: true, order: true });
  if (comparison.isPresence) return hasValue(comparison, column);
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
