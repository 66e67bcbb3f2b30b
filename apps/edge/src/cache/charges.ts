import type { IncomingMessage } from 'node:http';
import type { RateHeaders } from '../limits/rate-headers.js';

/** What requests that the fast path hands on have been charged already, so that nobody pays twice. */
export class Charges {
  readonly #settled = new WeakMap<IncomingMessage, { rate: RateHeaders } | { error: unknown }>();

  paid(request: IncomingMessage, rate: RateHeaders): void {
    this.#settled.set(request, { rate });
  }

  refused(request: IncomingMessage, error: unknown): void {
    this.#settled.set(request, { error });
  }

  /**
   * What the request has paid; undefined when nothing yet.
   *
   * @throws what it was refused with
   */
  of(request: IncomingMessage): RateHeaders | undefined {
    const settled = this.#settled.get(request);
    if (settled && 'error' in settled) throw settled.error;
    return settled?.rate;
  }
}
