import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import { notFound } from '../customer-changes.js';
import type { Customer } from '../customer.entity.js';

/** For each of the customers that were merged into others, the one that stayed in the end. */
export async function survivors(em: EntityManager, ids: string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const { tenantId } = currentCaller();
  const rows = await em.execute<{ id: string; survivor_id: string }[]>(
    `with recursive step as (
       select id, merged_into_id as survivor_id from customer
       where tenant_id = ? and id in (?) and merged_into_id is not null
       union all
       select step.id, customer.merged_into_id from step
       join customer on customer.tenant_id = ? and customer.id = step.survivor_id
       where customer.merged_into_id is not null
     )
     select step.id, step.survivor_id from step
     join customer on customer.tenant_id = ? and customer.id = step.survivor_id and customer.merged_into_id is null`,
    [tenantId, ids, tenantId, tenantId],
  );
  return new Map(rows.map((row) => [row.id, row.survivor_id]));
}

/** @throws AppError NOT_FOUND unless the customer is live, with the one that it was merged into when it was */
export async function liveCustomer(
  em: EntityManager,
  id: string,
  customer: Customer | null | undefined,
): Promise<Customer> {
  if (customer && !customer.deleteTime) return customer;
  throw notFound((await survivors(em, [id])).get(id));
}
