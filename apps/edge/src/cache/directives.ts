import type { ConsistencyTokens } from './consistency-tokens.js';

/**
 * How old an answer may be for one request: no load may have begun before this time, by `performance.now()`. -Infinity when
 * the request does not care.
 *
 * @param cacheControl of the request: `no-cache` and `max-age=0` want an answer that is loaded now (RFC 9111, section 5.2.1)
 * @param token the consistency token that the request brings
 */
export function notBefore(
  cacheControl: string | undefined,
  token: string | undefined,
  tokens: ConsistencyTokens,
  now: number,
): number {
  if (cacheControl !== undefined && /\b(no-cache|no-store|max-age=0)\b/i.test(cacheControl)) return now;
  return token === undefined ? -Infinity : tokens.notBefore(token);
}
