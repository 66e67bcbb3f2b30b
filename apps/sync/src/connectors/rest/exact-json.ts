import { exactNumber } from '../values/decimal.js';
import type { JsonValue } from '../peer-record.js';

/** A number with its digits: a double would round some. */
export class ExactNumber {
  constructor(readonly text: string) {}
}

/** JSON with unrounded numbers. */
export type ExactValue = string | boolean | null | ExactNumber | ExactValue[] | ExactObject;
export type ExactObject = { [name: string]: ExactValue };

/** Maximum depth, since the functions here are recursive. */
const maxDepth = 64;

/** Undefined for a text that is no JSON, or deeper than 64 levels. */
export function parseExact(text: string): ExactValue | undefined {
  try {
    const value = JSON.parse(text, (_name, part: unknown, context?: { source?: string }) =>
      typeof part === 'number' ? new ExactNumber(context?.source ?? String(part)) : part,
    ) as ExactValue;
    return isWithin(value, maxDepth) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The text of a value, with unrounded numbers. */
export function formatExact(value: ExactValue): string {
  if (value instanceof ExactNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(formatExact).join(',')}]`;
  if (!isExactObject(value)) return JSON.stringify(value);
  const parts = Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}:${formatExact(part)}`);
  return `{${parts.join(',')}}`;
}

/** As plain JSON. A number that no double equals becomes a text. */
export function plainValue(value: ExactValue): JsonValue {
  if (value instanceof ExactNumber) return exactNumber(value.text) ?? value.text;
  if (Array.isArray(value)) return value.map(plainValue);
  if (!isExactObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plainValue(part)]));
}

export function exactValue(value: JsonValue): ExactValue {
  if (typeof value === 'number') return new ExactNumber(String(value));
  if (Array.isArray(value)) return value.map(exactValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, exactValue(part)]));
}

export function isExactObject(value: ExactValue | undefined): value is ExactObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

/** The value at a path such as `address.city`. Names can contain dots. `.` is the value itself. */
export function valueAt(value: ExactValue | undefined, path: string): ExactValue | undefined {
  if (path === '.') return value;
  if (!isExactObject(value)) return undefined;
  if (Object.hasOwn(value, path)) return value[path];
  const [name = '', ...rest] = path.split('.');
  if (rest.length === 0 || !Object.hasOwn(value, name)) return undefined;
  return valueAt(value[name], rest.join('.'));
}

/** A copy of the object with another value at a path. */
export function withValueAt(object: ExactObject, path: string, value: ExactValue): ExactObject {
  const [name = '', ...rest] = path.split('.');
  if (rest.length === 0 || Object.hasOwn(object, path)) return { ...object, [path]: value };
  const inner = Object.hasOwn(object, name) ? object[name] : undefined;
  return { ...object, [name]: withValueAt(isExactObject(inner) ? inner : {}, rest.join('.'), value) };
}

function isWithin(value: ExactValue, depth: number): boolean {
  if (depth === 0) return false;
  if (Array.isArray(value)) return value.every((part) => isWithin(part, depth - 1));
  return !isExactObject(value) || Object.values(value).every((part) => isWithin(part, depth - 1));
}
