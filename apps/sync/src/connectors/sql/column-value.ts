import type { JsonValue } from '../peer-record.js';
import type { SqlDialect } from './sql-dialect.js';
import type { Column } from './table.js';

/** The value of a column from its text. */
export function readColumn({ type }: Column, text: string): JsonValue {
  switch (type) {
    case 'TEXT':
    case 'DATE':
    case 'LIST':
      return text;
    case 'NUMBER':
      return String(Number(text)) === text ? Number(text) : text;
    case 'BOOLEAN':
      return text === 'true' || text === '1';
    case 'TIME':
      // As `2026-11-25 10:00:00.5+00` or, from a session in UTC, without the zone.
      return `${text.replace(' ', 'T').replace(/\+00(?::00)?$/, '')}Z`;
    case 'LOCAL_TIME':
      return text.replace(' ', 'T');
    case 'JSON':
      return JSON.parse(text) as JsonValue;
    default:
      return type satisfies never;
  }
}

/** The text to write for a value, or what is wrong with it. */
export function writeColumn(
  column: Column,
  value: JsonValue,
  dialect: SqlDialect,
): { text: string | null } | { wrong: string } {
  if (value === null) return column.nullable ? { text: null } : { wrong: 'Must not be null.' };
  if (column.type === 'JSON') return { text: JSON.stringify(value) };
  if (column.type === 'BOOLEAN') {
    return typeof value === 'boolean' ? { text: dialect.boolean(value) } : { wrong: 'Must be true or false.' };
  }
  const { pattern, wrong } = texts[column.type];
  const text = column.type === 'NUMBER' && typeof value === 'number' ? String(value) : value;
  const found = typeof text === 'string' ? pattern.exec(text) : null;
  if (!found) return { wrong };
  const [whole, ...parts] = found;
  return { text: parts.length > 0 ? parts.join(' ') : whole };
}

/** How values look that are written as texts; of those with groups, the groups are written. */
const texts = {
  TEXT: { pattern: /^[^\0]*$/, wrong: 'Must be a text.' },
  LIST: { pattern: /^[^\0]*$/, wrong: 'Must be a text.' },
  NUMBER: { pattern: /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i, wrong: 'Must be a number.' },
  DATE: { pattern: /^\d{4}-\d\d-\d\d$/, wrong: 'Must be a date such as 2026-11-25.' },
  TIME: { pattern: /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d{1,6})?)Z$/, wrong: 'Must be RFC 3339 in UTC.' },
  LOCAL_TIME: {
    pattern: /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d{1,6})?)$/,
    wrong: 'Must be RFC 3339 without a zone.',
  },
};
