import type { EntityManager } from '@mikro-orm/postgresql';
import type { RecordType } from '../../fields/record-type.js';
import { executeWith, inOrder } from './planner-settings.js';

/** Most live records of a type in a small tenant. */
export const smallTenantRecords = 10_000;

/** How long, and for how many tenants, a process caches the size. */
const lifetimeMs = 600_000;
const maxTenants = 50_000;

interface Size {
  isSmall: boolean;
  untilMs: number;
}

/** By database connection, then by tenant and type. */
const known = new WeakMap<object, Map<string, Size>>();

/**
 * Whether a tenant has so few live records of a type that reading or sorting all of them takes at most about 50 ms. The
 * result may be ten minutes old: it affects only how records are read, not which.
 *
 * @param em sees all records of the tenant
 */
export async function isSmallTenant(em: EntityManager, { table }: RecordType, tenantId: string): Promise<boolean> {
  const connection = em.getConnection();
  const sizes = known.get(connection) ?? new Map<string, Size>();
  known.set(connection, sizes);
  const key = `${tenantId} ${table}`;
  const size = sizes.get(key);
  if (size && size.untilMs > Date.now()) return size.isSmall;
  const beyond = {
    sql: `select from ${table} where tenant_id = ? and delete_time is null
      order by create_time desc, id desc offset ${smallTenantRecords} limit 1`,
    params: [tenantId],
  };
  const rows = await executeWith(
    em,
    { ...inOrder, plan_cache_mode: 'force_generic_plan' },
    beyond,
    `size_of_tenant_${table}`,
  );
  if (sizes.size >= maxTenants) sizes.clear();
  sizes.set(key, { isSmall: rows.length === 0, untilMs: Date.now() + lifetimeMs });
  return rows.length === 0;
}
