import type { Sql } from './condition.js';

const surrogates = { first: 0xd800, next: 0xe000 };
const lastCodePoint = 0x10ffff;

/** The texts that begin with `prefix`, as a range of a column with byte order (collation "C"). */
export function prefixRange(column: string, prefix: string): Sql {
  const end = prefixEnd(prefix);
  return end === undefined
    ? { sql: `${column} >= ?`, params: [prefix] }
    : { sql: `${column} >= ? and ${column} < ?`, params: [prefix, end] };
}

/**
 * The least text greater than all that begin with `prefix`: its last code point incremented by one, since UTF-8
 * preserves the order of code points. Undefined when there is none.
 */
export function prefixEnd(prefix: string): string | undefined {
  const codePoints = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (codePoints.at(-1) === lastCodePoint) codePoints.pop();
  const last = codePoints.pop();
  if (last === undefined) return undefined;
  const next = last + 1 === surrogates.first ? surrogates.next : last + 1;
  return String.fromCodePoint(...codePoints, next);
}
