/** No peer may ask for a longer wait. */
const maxWaitMs = 24 * 60 * 60 * 1_000;

/**
 * The wait that a `Retry-After` header asks for, in milliseconds: seconds or a date (RFC 9110 section 10.2.3), at most a day.
 * Undefined for a header that is absent, malformed, or asks for no wait.
 */
export function readRetryAfter(header: string | null | undefined, nowMs = Date.now()): number | undefined {
  const text = header?.trim() ?? '';
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return waitMs > 0 ? Math.min(waitMs, maxWaitMs) : undefined;
}
