import { LRUCache } from 'lru-cache';
import { FailedAuthentications } from './failed-authentications.js';

/** Most owners that are remembered. */
const maxOwners = 10_000;

/**
 * Bounds how many calls that a service proves by the secret of an owner can come from one address without proof. Other systems
 * send for many owners from few addresses, and one that signs wrongly for one of them keeps doing so: so an owner that was proven before has a
 * count of its own, and only for the others it is that of the address.
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
   * @returns to be called with the status of the answer
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
