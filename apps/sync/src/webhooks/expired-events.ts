import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, settingStatement, withConnection } from '@rapport/persistence';

/** Most rows that one statement deletes: none holds locks for long. */
const batchSize = 2_000;

/** Deletes a tenant's deliveries, and the events that they tell of a day later, when they are older than they are to be kept. */
export async function clearExpired(em: EntityManager, tenantId: string, retentionDays: number): Promise<void> {
  await clearTable(em, tenantId, 'webhook_delivery', retentionDays);
  await clearTable(em, tenantId, 'webhook_event', retentionDays + 1);
}

async function clearTable(
  em: EntityManager,
  tenantId: string,
  table: 'webhook_delivery' | 'webhook_event',
  days: number,
): Promise<void> {
  let deleted: number;
  do {
    const [, result] = await withConnection(em, (client) =>
      pipeline(client, [
        settingStatement({ 'app.tenant_id': tenantId }),
        {
          sql: `delete from ${table} where ctid = any (array(
              select ctid from ${table} where tenant_id = $1 and create_time < now() - make_interval(days => $2)
              limit ${batchSize} for update skip locked))`,
          values: [tenantId, days],
        },
      ]),
    );
    deleted = result?.rowCount ?? 0;
  } while (deleted === batchSize);
}
