import { isDeepStrictEqual } from 'node:util';
import { exactNumber, plainDecimal, withFraction } from '../values/decimal.js';
import type { JsonValue } from '../peer-record.js';
import { exactValue, ExactNumber, plainValue, type ExactValue } from './exact-json.js';
import type { ApiField } from './record-fields.js';

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

/**
 * The value of a field. A value of another scalar type than declared, such as a text for a number, stays a text, which
 * the other side may refuse.
 *
 * @returns undefined for another shape than declared: a list or an object in place of a scalar, or the other way round
 */
export function readValue(field: ApiField, value: ExactValue): JsonValue | undefined {
  if (value === null) return null;
  if (field.type === 'JSON') return plainValue(value);
  if (field.type === 'LIST') return Array.isArray(value) ? value.map(plainValue) : undefined;
  if (value instanceof ExactNumber) return readText(field, value.text);
  return typeof value === 'object' ? undefined : readText(field, String(value));
}

/** The value of a field from the text of a scalar. */
function readText({ type }: ApiField, text: string): JsonValue | undefined {
  switch (type) {
    case 'NUMBER':
      return exactNumber(text) ?? text;
    case 'DECIMAL':
      return plainDecimal(text) ?? text;
    case 'BOOLEAN':
      return booleans.get(text) ?? text;
    case 'TIME':
      return inUtc(text);
    default:
      return text;
  }
}

/** Booleans of databases that have none. */
const booleans = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

/** The JSON of a value, or what is wrong with it. Nothing is rounded. */
export function writeValue(field: ApiField, value: JsonValue): { sent: ExactValue } | { wrong: string } {
  if (value === null) return { sent: null };
  if (field.type === 'NUMBER' || field.type === 'DECIMAL') return writeNumber(field, value);
  const { fits, wrong } = forms[field.type];
  return fits(value) ? { sent: exactValue(value) } : { wrong };
}

/** Formats of values of the other types. */
const forms: Record<
  Exclude<ApiField['type'], 'NUMBER' | 'DECIMAL'>,
  { fits: (value: JsonValue) => boolean; wrong: string }
> = {
  TEXT: { fits: (value) => typeof value === 'string', wrong: 'Must be a text.' },
  DATE: { fits: (value) => isTime(value, /^\d{4}-\d\d-\d\d$/), wrong: 'Must be a date such as 2026-11-25.' },
  TIME: { fits: (value) => isTime(value, rfc3339), wrong: 'Must be a time as in RFC 3339.' },
  BOOLEAN: { fits: (value) => typeof value === 'boolean', wrong: 'Must be true or false.' },
  LIST: { fits: Array.isArray, wrong: 'Must be a list.' },
  JSON: { fits: () => true, wrong: '' },
  LOCAL_TIME: { fits: () => false, wrong: 'Is not supported.' },
  UNSUPPORTED: { fits: () => false, wrong: 'Is not supported.' },
};

/** Whether two values of a field are equal in any format of services: `0.50` and `0.5`, and fractions of seconds. */
export function isSame({ type }: ApiField, one: JsonValue, other: JsonValue): boolean {
  if (typeof one === 'string' && typeof other === 'string') {
    if (type === 'TIME' && Date.parse(one) === Date.parse(other)) return true;
    const decimals = type === 'DECIMAL' ? [one, other].map((text) => withFraction(plainDecimal(text) ?? text, 0)) : [];
    if (decimals.length > 0) return decimals[0] === decimals[1];
  }
  return isDeepStrictEqual(one, other);
}

function writeNumber(
  { type, isNumber, fractionDigits }: ApiField,
  value: JsonValue,
): { sent: ExactValue } | { wrong: string } {
  const isScalar = typeof value === 'number' || typeof value === 'string';
  const decimal = isScalar ? plainDecimal(String(value)) : undefined;
  if (decimal === undefined) return { wrong: 'Must be a number.' };
  if (type === 'NUMBER' && exactNumber(decimal) === undefined) return { wrong: 'Has more digits than a double keeps.' };
  const fitting = fractionDigits === undefined ? decimal : withFraction(decimal, fractionDigits);
  if (fractionDigits !== undefined && (fitting.split('.')[1] ?? '').length > fractionDigits) {
    return { wrong: `Has more than ${fractionDigits} digits after the point.` };
  }
  return { sent: isNumber ? new ExactNumber(fitting) : fitting };
}

function isTime(value: JsonValue, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value) && !Number.isNaN(Date.parse(value));
}

/** The same instant in UTC, with all digits of its seconds. Anything that is no time is returned as is. */
function inUtc(text: string): string {
  const [, fraction = '', zone = ''] = rfc3339.exec(text) ?? [];
  if (zone === '' || Number.isNaN(Date.parse(text))) return text;
  return `${new Date(Date.parse(text)).toISOString().slice(0, 19)}${fraction}Z`;
}
