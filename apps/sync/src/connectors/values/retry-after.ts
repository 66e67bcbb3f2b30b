const maxRetryAfterMs = 24 * 3_600_000;

/** The time that a `Retry-After` header asks for, in seconds or as a date (RFC 9110 §10.2.3), at most a day. */
export function retryAfterMs(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), maxRetryAfterMs);
}
