import type { EntityManager } from '@mikro-orm/postgresql';
import { batchSize, deleteAll } from '../../storage/delete-expired.js';

/** Deletes a tenant's received webhooks after their retention period. A replay that old fails the check of its timestamp. */
export function clearExpiredHooks(em: EntityManager, tenantId: string, retentionDays: number): Promise<void> {
  return deleteAll(em, tenantId, deleteHooks, retentionDays);
}

const deleteHooks = `
  delete from hook where ctid = any (array(
    select ctid from hook where tenant_id = $1 and receive_time < now() - make_interval(days => $2)
    limit ${batchSize} for update skip locked))`;
