import type { EntityManager } from '@mikro-orm/postgresql';
import { batchSize, deleteAll } from '../../storage/delete-expired.js';

/** Retention of backfills after their end. */
const keptDays = 90;

/** Deletes backfills of a tenant that ended long ago. */
export async function clearExpiredBackfills(em: EntityManager, tenantId: string): Promise<void> {
  const expired = `select ctid from flow_backfill where tenant_id = $1
    and end_time < clock_timestamp() - make_interval(days => $2) limit ${batchSize}`;
  await deleteAll(em, tenantId, `delete from flow_backfill where tenant_id = $1 and ctid in (${expired})`, keptDays);
}
