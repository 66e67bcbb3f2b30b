import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { pipeline, settingStatement } from '@rapport/persistence';
import type { ClientBase } from 'pg';

/**
 * Deletes the bodies of webhooks about records of erased customers. Runs in the transaction that moves the cursor.
 *
 * @param erased changes of the tenant that erasures made
 */
export async function forgetErasedHooks(
  client: ClientBase,
  tenantId: string,
  erased: readonly Change[],
): Promise<void> {
  const customers = erased.filter(({ type }) => type === 'customer');
  if (customers.length === 0) return;
  await pipeline(client, [
    settingStatement({ 'app.tenant_id': tenantId }),
    {
      name: 'forget_erased_hooks',
      sql: `update hook set sealed_body = null
        from sync_link link join mapping on mapping.tenant_id = $1 and mapping.id = link.mapping_id
        where link.tenant_id = $1 and link.customer_id = any ($2::uuid[]) and hook.tenant_id = $1
          and hook.connection_id = mapping.connection_id and link.record_id = any (hook.record_ids)
          and hook.sealed_body is not null`,
      values: [tenantId, customers.map(({ recordId }) => recordId)],
    },
  ]);
}
