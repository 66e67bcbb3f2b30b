import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller, ownersSeenBy } from '@rapport/platform';
import { customerMessage, loadKeysOf } from '../../../engine/records/customers/entity-content.js';
import { Customer } from '../../../engine/records/customers/customer.entity.js';
import { customerCandidate } from '../duplicates/customer-candidate.js';
import { TermFrequencies } from '../duplicates/term-frequencies.js';

const sampleSize = 5_000;
const ttlMs = 5 * 60_000;
/** The counts of one tenant, or of what one caller sees of it, take a few MiB. */
const maxKnown = 20;

/**
 * How common values are in a tenant, counted from at most 5,000 of its live customers: the first and the last half by id,
 * which is by age, so that old and new ones have their say. A sample is enough, since what matters is how common the common
 * values are. Kept for 5 minutes for the tenants that asked last, apart for those who see the records of some owners only.
 */
export class TenantFrequencies {
  readonly #known = new Map<string, { counted: Promise<TermFrequencies>; untilMs: number }>();

  get(em: EntityManager): Promise<TermFrequencies> {
    const caller = currentCaller();
    const key = JSON.stringify([caller.tenantId, ownersSeenBy(caller)]);
    const known = this.#known.get(key);
    if (known && known.untilMs > performance.now()) return known.counted;
    const counted = count(em);
    this.#known.delete(key);
    this.#known.set(key, { counted, untilMs: performance.now() + ttlMs });
    counted.catch(() => this.#known.delete(key));
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= maxKnown) break;
      this.#known.delete(oldest);
    }
    return counted;
  }
}

async function count(em: EntityManager): Promise<TermFrequencies> {
  const { tenantId } = currentCaller();
  const end = (direction: 'asc' | 'desc') =>
    em.find(
      Customer,
      { tenantId, deleteTime: null },
      { orderBy: { id: direction }, limit: sampleSize / 2, disableIdentityMap: true },
    );
  const sample = new Map([...(await end('asc')), ...(await end('desc'))].map((row) => [row.id, row]));
  await loadKeysOf([...sample.values()]);
  const candidates = [...sample.values()].map((row) => customerCandidate(customerMessage(row)));
  return TermFrequencies.of(candidates, { isSample: sample.size === sampleSize });
}
