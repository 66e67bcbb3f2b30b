import type { EntityManager } from '@mikro-orm/postgresql';
import { executeWith, inOrder } from './planner-settings.js';

/** Live customers of a small tenant at most. */
const smallTenant = 10_000;

/** How long a process takes a tenant for as large as it was, and of how many it remembers it. */
const keptMs = 600_000;
const maxKept = 50_000;

interface Size {
  isSmall: boolean;
  untilMs: number;
}

/** By the connections of the database. */
const known = new WeakMap<object, Map<string, Size>>();

/**
 * Whether a tenant has so few customers that whatever an index finds in it is soon sorted. What was found out is kept for ten
 * minutes: it decides how a page is read, not what is on it.
 *
 * @param em sees all customers of the tenant
 */
export async function isSmallTenant(em: EntityManager, tenantId: string): Promise<boolean> {
  const connection = em.getConnection();
  const sizes = known.get(connection) ?? new Map<string, Size>();
  known.set(connection, sizes);
  const size = sizes.get(tenantId);
  if (size && size.untilMs > Date.now()) return size.isSmall;
  const beyond = {
    sql: `select from customer where tenant_id = ? and delete_time is null
      order by create_time desc, id desc offset ${smallTenant} limit 1`,
    params: [tenantId],
  };
  const rows = await executeWith(em, { ...inOrder, plan_cache_mode: 'force_generic_plan' }, beyond, 'size_of_tenant');
  if (sizes.size >= maxKept) sizes.clear();
  sizes.set(tenantId, { isSmall: rows.length === 0, untilMs: Date.now() + keptMs });
  return rows.length === 0;
}
