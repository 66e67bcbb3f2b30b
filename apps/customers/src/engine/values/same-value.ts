import { isDeepStrictEqual } from 'node:util';

/**
 * Whether two values are the same in JSON: undefined is the same as absent, and the order of keys does not matter. Columns of jsonb
 * return their keys in an order of their own.
 */
export function sameValue(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(plain(one), plain(other));
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
