import type { EntityManager } from '@mikro-orm/postgresql';
import { batchSize, deleteAll } from '../../storage/delete-expired.js';

/** How long decisions and the changes that they are about are kept. */
const keptDays = 90;

/** Deletes old decisions of a tenant, and changes that were decided. The counts of its versions stay. */
export async function clearExpiredDecisions(em: EntityManager, tenantId: string): Promise<void> {
  for (const [table, time] of [
    ['flow_decision', 'decide_time'],
    ['flow_change', 'take_time'],
  ]) {
    const expired = `select ctid from ${table} where tenant_id = $1 and ${time} < clock_timestamp() - make_interval(days => $2)
      limit ${batchSize}`;
    await deleteAll(em, tenantId, `delete from ${table} where tenant_id = $1 and ctid in (${expired})`, keptDays);
  }
}
