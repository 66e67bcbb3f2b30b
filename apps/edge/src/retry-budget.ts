/** What each call adds, in retries, and most that can be saved. */
const perCall = 0.1;
const mostSaved = 5;

/**
 * How often calls may be tried again: one in ten, besides a few after a quiet time. A service that is down or overloaded is not
 * asked several times as often as one that works. (gRFC A6, retry throttling)
 */
export class RetryBudget {
  #saved = mostSaved;

  /** Notes a call. */
  earn(): void {
    this.#saved = Math.min(mostSaved, this.#saved + perCall);
  }

  /** Pays for a retry. @returns false when there is none left */
  spend(): boolean {
    if (this.#saved < 1) return false;
    this.#saved -= 1;
    return true;
  }
}
