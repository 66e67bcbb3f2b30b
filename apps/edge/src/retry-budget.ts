/** What each request adds, in retries, and most that can be saved. */
const perRequest = 0.1;
const mostSaved = 10;

/**
 * How often calls may be tried again: one in ten, besides a few after a quiet time. A service that is down or overloaded is not
 * asked several times as often as one that works. (gRFC A6, retry throttling)
 */
export class RetryBudget {
  #saved = mostSaved;

  /** Notes a request. */
  earn(): void {
    this.#saved = Math.min(mostSaved, this.#saved + perRequest);
  }

  /** Pays for a retry. @returns false when there is none left */
  spend(): boolean {
    if (this.#saved < 1) return false;
    this.#saved -= 1;
    return true;
  }
}
