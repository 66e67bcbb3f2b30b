import { maskText } from '@rapport/contracts';
import { splitItems } from '../../values/cell-items.js';

/**
 * The text of a cell without blanks around it; undefined when there is none, null when it is no text at all. What an export
 * had in the place of hidden data is none.
 */
export function cellText(value: unknown): string | undefined | null {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') {
    const text = value.trim();
    return text === '' || text === maskText ? undefined : text;
  }
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

/** The values of a cell that may hold several: a JSON list's items, or those of a text. Without a separator a text is one. */
export function cellItems(value: unknown, separator?: RegExp): unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'string' && separator ? splitItems(value, separator) : [value];
}

/** A property of a JSON object, as text. Undefined when `value` is no object. */
export function property(value: unknown, name: string): string | undefined | null {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return cellText((value as Record<string, unknown>)[name]);
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A record's own id. Undefined for other texts: a file of another system may have ids of its own there. */
export function cellId(value: unknown): string | undefined {
  const id = cellText(value)?.toLowerCase();
  return id !== undefined && uuid.test(id) ? id : undefined;
}
