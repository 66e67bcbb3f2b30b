import { exactNumber, plainDecimal, withFraction, withoutZeros } from '../values/decimal.js';
import type { JsonValue } from '../peer-record.js';
import { columnLimits, type ColumnLimits } from './column-limits.js';
import type { SqlDialect } from './sql-dialect.js';
import type { Column } from './column.js';

/** The value of a column from its text, by the type of the column. Text without a valid value, such as `NaN`, stays a text. */
export function readColumn(column: Column, text: string): JsonValue {
  switch (column.type) {
    case 'TEXT':
    case 'DATE':
    case 'LIST':
      return text;
    case 'NUMBER':
      return readNumber(column, text);
    case 'DECIMAL':
      // Without the leading zeros of MariaDB's ZEROFILL.
      return plainDecimal(text) ?? text;
    case 'BOOLEAN':
      // A boolean of MariaDB is a number.
      return booleans.get(text) ?? Number(text);
    case 'TIME':
      // Such as `2026-11-25 10:00:00.5+00` or, from a session in UTC, without the zone.
      return text.replace(/^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00)?$/, '$1T$2Z');
    case 'LOCAL_TIME':
      return text.replace(/^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)$/, '$1T$2');
    case 'JSON':
      return JSON.parse(text) as JsonValue;
    default:
      return column.type satisfies never;
  }
}

const booleans = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

function readNumber(column: Column, text: string): JsonValue {
  const number = columnLimits(column).isSingle ? shortestSingle(Number(text)) : Number(text);
  return Number.isFinite(number) ? number : text;
}

/** The text to write for a value, or what is wrong with it. Nothing is rounded or truncated. */
export function writeColumn(
  column: Column,
  value: JsonValue,
  dialect: SqlDialect,
): { text: string | null } | { wrong: string } {
  if (value === null) return column.nullable ? { text: null } : { wrong: 'Must not be null.' };
  switch (column.type) {
    case 'JSON':
      return { text: JSON.stringify(value) };
    case 'BOOLEAN':
      return typeof value === 'boolean' ? { text: dialect.boolean(value) } : { wrong: 'Must be true or false.' };
    case 'NUMBER':
    case 'DECIMAL':
      return writeNumber(column, value);
    case 'TEXT':
    case 'LIST':
      return writeText(column, value);
    case 'DATE':
    case 'TIME':
    case 'LOCAL_TIME':
      return writeTime(column, column.type, value);
    default:
      return column.type satisfies never;
  }
}

function writeNumber(column: Column, value: JsonValue): { text: string } | { wrong: string } {
  const isNumber = typeof value === 'number' || typeof value === 'string';
  const decimal = isNumber ? plainDecimal(String(value)) : undefined;
  if (decimal === undefined) return { wrong: 'Must be a number.' };
  const limits = columnLimits(column);
  const wrong = digitsFault(decimal, limits) ?? (column.type === 'NUMBER' ? floatFault(decimal, limits) : undefined);
  if (wrong !== undefined) return { wrong };
  // An integer has no decimal point, even before zeros.
  return { text: limits.minimum === undefined ? decimal : withFraction(decimal, 0) };
}

function digitsFault(decimal: string, limits: ColumnLimits): string | undefined {
  const { integerDigits, fractionDigits, isUnsigned, minimum, maximum } = limits;
  const [whole = '', fraction = ''] = decimal.replace('-', '').split('.');
  if (fractionDigits !== undefined && withoutZeros(fraction).length > fractionDigits) {
    return `Has more than ${fractionDigits} digits after the point.`;
  }
  if (integerDigits !== undefined && whole !== '0' && whole.length > integerDigits) {
    return `Has more than ${integerDigits} digits before the point.`;
  }
  if (isUnsigned && decimal.startsWith('-')) return 'Must not be negative.';
  if (minimum === undefined || maximum === undefined) return undefined;
  const integer = BigInt(withFraction(decimal, 0));
  return integer < minimum || integer > maximum ? `Must be between ${minimum} and ${maximum}.` : undefined;
}

/** Only the shortest text of a float is returned unchanged by the database. */
function floatFault(decimal: string, { isSingle }: ColumnLimits): string | undefined {
  const number = exactNumber(decimal);
  const isKept = number !== undefined && (!isSingle || shortestSingle(number) === number);
  return isKept ? undefined : 'Has more digits than the column keeps.';
}

/** The shortest number that equals this 32-bit float. */
function shortestSingle(number: number): number {
  const digits = [6, 7, 8, 9].find((count) => Math.fround(Number(number.toPrecision(count))) === Math.fround(number));
  return Number(number.toPrecision(digits ?? 9));
}

function writeText(column: Column, value: JsonValue): { text: string } | { wrong: string } {
  if (typeof value !== 'string' || value.includes('\0')) return { wrong: 'Must be a text.' };
  const { maxLength, values } = columnLimits(column);
  if (maxLength !== undefined && Array.from(value).length > maxLength) {
    return { wrong: `Must have at most ${maxLength} characters.` };
  }
  if (values && !values.includes(value)) return { wrong: 'Must be one of the values of the type.' };
  return { text: value };
}

/** Formats by type; groups of the expression are written. */
const patterns = {
  DATE: { pattern: /^\d{4}-\d\d-\d\d$/, wrong: 'Must be a date such as 2026-11-25.' },
  TIME: { pattern: /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,6})?Z$/, wrong: 'Must be RFC 3339 in UTC.' },
  LOCAL_TIME: {
    pattern: /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,6})?$/,
    wrong:
      'Must be RFC 3339 without a zone. An instant without an unambiguous time in the zone of the connection cannot be written.',
  },
};

function writeTime(
  { precision }: Column,
  type: keyof typeof patterns,
  value: JsonValue,
): { text: string } | { wrong: string } {
  const { pattern, wrong } = patterns[type];
  const found = typeof value === 'string' ? pattern.exec(value) : null;
  if (!found || Number.isNaN(Date.parse(found[0].slice(0, 10)))) return { wrong };
  const [whole, day, time, fraction = ''] = found;
  if (type === 'DATE') return { text: whole };
  const digits = withoutZeros(fraction.slice(1)).length;
  if (digits > precision) return { wrong: `The column keeps ${precision} digits of a second.` };
  return { text: `${day} ${time}${fraction}` };
}
