import { maskText } from '@rapport/contracts';
import { splitItems } from '../../values/cell-items.js';

/** The trimmed text of a cell; undefined when blank or the placeholder of hidden data, null when it is not a text. */
export function cellText(value: unknown): string | undefined | null {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') {
    const text = value.trim();
    return text === '' || text === maskText ? undefined : text;
  }
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

/**
 * The values of a cell that may contain several: the items of a JSON list or of a text. Without a separator, a text is
 * one value.
 */
export function cellItems(value: unknown, separator?: RegExp): unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'string' && separator ? splitItems(value, separator) : [value];
}

/** A property of a JSON object, as text. Undefined when `value` is not an object. */
export function property(value: unknown, name: string): string | undefined | null {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return cellText((value as Record<string, unknown>)[name]);
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A record's own id. Undefined for other texts: a file of another system may contain that system's ids. */
export function cellId(value: unknown): string | undefined {
  const id = cellText(value)?.toLowerCase();
  return id !== undefined && uuid.test(id) ? id : undefined;
}
