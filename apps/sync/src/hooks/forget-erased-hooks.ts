import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { pipeline, settingStatement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { erasureOrigin } from '../webhooks/record-events.js';

/** Forgets the bodies of webhooks about records of customers that were erased. Runs in the transaction that moves the cursor. */
export async function forgetErasedHooks(client: ClientBase, changes: readonly Change[]): Promise<void> {
  const erased = changes.filter(({ type, origin }) => type === 'customer' && origin === erasureOrigin);
  for (const [tenantId, own] of Map.groupBy(erased, (change) => change.tenantId)) {
    await pipeline(client, [
      settingStatement({ 'app.tenant_id': tenantId }),
      {
        name: 'forget_erased_hooks',
        sql: `update hook set sealed_body = null
          from sync_link link join mapping on mapping.tenant_id = $1 and mapping.id = link.mapping_id
          where link.tenant_id = $1 and link.customer_id = any ($2::uuid[]) and hook.tenant_id = $1
            and hook.connection_id = mapping.connection_id and link.record_id = any (hook.record_ids)
            and hook.sealed_body is not null`,
        values: [tenantId, own.map(({ recordId }) => recordId)],
      },
    ]);
  }
}
