import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';

/**
 * Locks, until the transaction ends, the merges and unmerges of a tenant. Two at both ends of an association could
 * otherwise create the same association. Take it before any row lock.
 */
export async function lockMerges(em: EntityManager): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [
    `customer_merge ${currentCaller().tenantId}`,
  ]);
}
