import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';

/**
 * Takes a lock, until the transaction ends, that serialises the merges and unmerges of a tenant. Two at both ends of a link could
 * otherwise create the same link. Take it before any row lock.
 */
export async function lockMerges(em: EntityManager): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [
    `customer_merge ${currentCaller().tenantId}`,
  ]);
}
