import { AppError, metrics } from '@rapport/platform';
import { Gauge } from 'prom-client';

/** Concurrent waiting readers of one process, besides the minimum of each tenant. */
const places = 2_000;
/** Minimum and maximum of one tenant. */
const least = 2;
const most = 200;
/** Largest share of the free slots that a tenant holds. */
const share = 1 / 8;

const readers = new Gauge({
  name: 'rapport_change_readers',
  help: 'Waiting change feed readers of tenants.',
  registers: [metrics],
});

/**
 * The slots of readers that wait for changes. The fewer are free, the fewer a tenant can have, so tenants that take all
 * they can get leave some to the next one (dynamic thresholds: Choudhury and Hahne, IEEE/ACM Transactions on Networking
 * 6, 1998), and none is refused its minimum because of others. The platform's own readers need no slot.
 */
export class ReaderSlots {
  readonly #byTenant = new Map<string, number>();
  #used = 0;

  /**
   * @returns a function that releases the slot; call it once
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_READERS
   */
  enter(tenantId: string): () => void {
    const ofTenant = this.#byTenant.get(tenantId) ?? 0;
    const threshold = Math.floor((places - this.#used) * share);
    if (ofTenant >= Math.max(least, Math.min(most, threshold))) {
      const message = 'Too many readers of this tenant wait for changes. Try again later.';
      throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_READERS', message, { retryAfterSeconds: 10 });
    }
    this.#used += 1;
    this.#byTenant.set(tenantId, ofTenant + 1);
    readers.inc();
    return () => this.#leave(tenantId);
  }

  #leave(tenantId: string): void {
    this.#used -= 1;
    readers.dec();
    const ofTenant = (this.#byTenant.get(tenantId) ?? 1) - 1;
    if (ofTenant === 0) this.#byTenant.delete(tenantId);
    else this.#byTenant.set(tenantId, ofTenant);
  }
}
