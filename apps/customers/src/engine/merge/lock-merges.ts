import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';

/**
 * Lets one merge or undo of a tenant run at a time, until the transaction ends: two at both ends of links would make the
 * same link. Comes before any lock of a row.
 */
export async function lockMerges(em: EntityManager): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [
    `customer_merge ${currentCaller().tenantId}`,
  ]);
}
