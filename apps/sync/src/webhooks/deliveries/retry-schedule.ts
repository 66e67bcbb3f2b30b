/** Maximum share that is added to a delay, so that simultaneous failures do not retry simultaneously. */
const jitter = 0.1;

/** Delays of attempts after failed ones. */
export class RetrySchedule {
  /** @param seconds delays between consecutive attempts */
  constructor(private readonly seconds: readonly number[]) {}

  /**
   * The delay after a failed attempt, in milliseconds; undefined after the last one.
   *
   * @param attempt its number, from 1
   */
  waitMs(attempt: number, random = Math.random()): number | undefined {
    const seconds = this.seconds[attempt - 1];
    return seconds === undefined ? undefined : Math.round(seconds * 1_000 * (1 + jitter * random));
  }
}
