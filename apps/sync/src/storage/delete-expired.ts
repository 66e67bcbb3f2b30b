import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, settingStatement, withConnection } from '@rapport/persistence';

/** Maximum number of rows per delete statement, so that none holds locks for long. */
export const batchSize = 2_000;

/** @param sql deletes a batch of a tenant's rows (`$1`) that are older than `$2` days */
export async function deleteAll(em: EntityManager, tenantId: string, sql: string, days: number): Promise<void> {
  let deleted: number;
  do {
    const [, result] = await withConnection(em, (client) =>
      pipeline(client, [settingStatement({ 'app.tenant_id': tenantId }), { sql, values: [tenantId, days] }]),
    );
    deleted = result?.rowCount ?? 0;
  } while (deleted === batchSize);
}
