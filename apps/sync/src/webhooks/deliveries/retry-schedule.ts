/** No receiver may put an attempt off for longer. */
const maxHoldMs = 24 * 60 * 60 * 1_000;

/** At most so much is added to a wait, so that what failed together does not come back together. */
const jitter = 0.1;

/** When attempts follow that have failed. */
export class RetrySchedule {
  /** @param seconds from the first failed attempt to the second one, and so on */
  constructor(private readonly seconds: readonly number[]) {}

  /**
   * How long to wait after a failed attempt, in milliseconds; undefined when it was the last one.
   *
   * @param attempt its number, from 1
   */
  waitMs(attempt: number, random = Math.random()): number | undefined {
    const seconds = this.seconds[attempt - 1];
    return seconds === undefined ? undefined : Math.round(seconds * 1_000 * (1 + jitter * random));
  }
}

/**
 * How long a receiver asks to be left alone, in milliseconds: `Retry-After` as seconds or as a date (RFC 9110 section 10.2.3).
 * At most a day; undefined when it does not say, or not so that it can be read.
 */
export function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return waitMs > 0 ? Math.min(waitMs, maxHoldMs) : undefined;
}
