import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller, ownersSeenBy } from '@rapport/platform';
import { Turns } from '../../../engine/pace/bulk-pace.js';
import { comparableValues } from '../duplicates/comparable-values.js';
import { customerCandidate } from '../duplicates/customer-candidate.js';
import { TermFrequencies } from '../duplicates/term-frequencies.js';
import { customersAfter, lastCustomers, lowestId } from './read-customers.js';

const sampleSize = 5_000;
const ttlMs = 5 * 60_000;
/** The counts of one tenant, or of one caller's visible records, take a few MiB. */
const maxKnown = 20;

/**
 * Frequencies of values in a tenant, counted from at most 5,000 of its live customers: half of them the oldest and half
 * the newest, by id. A sample is enough, because only common values matter. Counts are cached for 5 minutes for the
 * most recent tenants, separately for callers limited to the records of some owners.
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
  const ends = [...(await customersAfter(em, lowestId, sampleSize / 2)), ...(await lastCustomers(em, sampleSize / 2))];
  const sample = new Map(ends.map((customer) => [customer.id, customer]));
  const frequencies = new TermFrequencies({ isSample: sample.size === sampleSize });
  await new Turns().map([...sample.values()], (customer) =>
    frequencies.add(comparableValues(customerCandidate(customer))),
  );
  return frequencies;
}
