import type { Statement } from '@rapport/persistence';

/** Retries pairs of mappings that one side has refused, since the reason may be gone: both sides count as unread. */
export function retryConflicts(tenantId: string, mappingIds: readonly string[]): Statement {
  return {
    name: 'retry_conflicts',
    sql: `with refused as (
        update sync_link link set customer_version = null, record_version = null, revision = revision + 1
        from sync_conflict conflict
        where link.tenant_id = $1 and link.mapping_id = any ($2::uuid[])
          and conflict.tenant_id = $1 and conflict.mapping_id = link.mapping_id and conflict.link_id = link.id
          and conflict.kind in ('REJECTED', 'VALUE_TAKEN')
        returning link.mapping_id, link.record_id, link.customer_id)
      insert into sync_hint (tenant_id, mapping_id, side, record_id)
      select $1, mapping_id, case when record_id is null then 'CUSTOMER' else 'PEER' end,
        coalesce(record_id, customer_id::text)
      from refused order by 2, 3, 4
      on conflict (tenant_id, mapping_id, side, record_id) do update set mark = gen_random_uuid()`,
    values: [tenantId, mappingIds],
  };
}
