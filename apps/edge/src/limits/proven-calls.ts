import { LRUCache } from 'lru-cache';
import { FailedAuthentications } from './failed-authentications.js';

/** Most owners that are remembered. */
const maxOwners = 10_000;

/**
 * Limits unproven calls of one address to methods whose calls a service proves by an owner's secret. Other systems send for
 * many owners from few addresses, and one that signs wrongly for one owner keeps doing so: an owner that was proven before
 * has its own count, and the others share that of the address.
 */
export class ProvenCalls {
  readonly #failed: FailedAuthentications;
  readonly #known = new LRUCache<string, true>({ max: maxOwners });

  constructor(perMinute: number) {
    this.#failed = new FailedAuthentications(perMinute);
  }

  /**
   * Takes one try before the call is made.
   *
   * @param owner of the secret that proves the call
   * @returns call it with the status of the answer
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_FAILED_AUTHENTICATIONS
   */
  enter(address: string, owner: string): (status: number) => void {
    const giveBack = this.#failed.take(address, this.#known.has(owner) ? owner : '');
    return (status) => {
      if (status < 300) this.#known.set(owner, true);
      if (status !== 401) giveBack();
    };
  }
}
