import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import type { KeyUse } from '@rapport/platform';

/** All columns that hold what a `SecretEnvelope` sealed, with their tables. */
export const sealedColumns = [
  ['connection', 'sealed_secrets'],
  ['deferred_content', 'sealed_change'],
  ['deleted_mapping', 'sealed_fingerprint_key'],
  ['flow_approval', 'sealed_question'],
  ['flow_approver', 'sealed_comment'],
  ['flow_event', 'sealed_data'],
  ['flow_run', 'sealed_start'],
  ['flow_run', 'sealed_state'],
  ['flow_secret', 'sealed_value'],
  ['flow_signal', 'sealed_data'],
  ['flow_step_run', 'sealed_input'],
  ['flow_step_run', 'sealed_result'],
  ['hook', 'sealed_body'],
  ['idempotency_key', 'response'],
  ['kept_link', 'sealed_intent'],
  ['mailbox', 'sealed_secrets'],
  ['mapping', 'sealed_fingerprint_key'],
  ['relay', 'sealed_secrets'],
  ['sync_conflict', 'sealed_fields'],
  ['sync_link', 'sealed_intent'],
  ['webhook_endpoint', 'previous_sealed_keys'],
  ['webhook_endpoint', 'sealed_keys'],
  ['webhook_event', 'sealed_values'],
] as const;

/** How many sealed values of a tenant each master key opens. @param em in the session of the tenant */
export async function countSealedValues(em: EntityManager, tenantId: string): Promise<KeyUse[]> {
  const uses: KeyUse[] = [];
  for (const [table, column] of sealedColumns) {
    const rows = await readForTenant<{ key_id: string; count: string }>(em, {
      // After the version byte of a sealed value.
      sql: `select encode(substr(${column}, 2, 8), 'hex') as key_id, count(*) as count from ${table}
        where tenant_id = $1 and length(${column}) > 0 group by key_id`,
      values: [tenantId],
    });
    uses.push(...rows.map((row) => ({ keyId: row.key_id, kind: table, count: Number(row.count) })));
  }
  return uses;
}
