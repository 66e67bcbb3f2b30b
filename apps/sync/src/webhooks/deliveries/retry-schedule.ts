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
