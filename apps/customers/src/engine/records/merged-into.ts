import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, type StatementTransaction } from '@rapport/persistence';
import { currentCaller, type AppError } from '@rapport/platform';
import { notFound } from './customer-changes.js';
import { erasedError } from './erased-error.js';

/** For each of the customers that were merged into others, the one that stayed in the end. */
export async function survivors(
  source: EntityManager | StatementTransaction,
  ids: string[],
): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await queryRows<{ id: string; survivor_id: string }>(source, {
    name: 'survivors',
    sql: `with recursive step as (
        select id, merged_into_id as survivor_id from customer
        where tenant_id = $1 and id = any ($2::uuid[]) and merged_into_id is not null
        union all
        select step.id, customer.merged_into_id from step
        join customer on customer.tenant_id = $1 and customer.id = step.survivor_id
        where customer.merged_into_id is not null
      )
      select step.id, step.survivor_id from step
      join customer on customer.tenant_id = $1 and customer.id = step.survivor_id and customer.merged_into_id is null`,
    values: [currentCaller().tenantId, ids],
  });
  return new Map(rows.map((row) => [row.id, row.survivor_id]));
}

/** @throws AppError NOT_FOUND unless the customer is live, as `missingCustomer` says */
export async function liveCustomer<Found extends { deleteTime?: unknown }>(
  source: EntityManager | StatementTransaction,
  id: string,
  customer: Found | null | undefined,
): Promise<Found> {
  if (customer && !customer.deleteTime) return customer;
  throw await missingCustomer(source, id);
}

/** NOT_FOUND for a customer that is not live, with the one that it was merged into, or the erasure, when that is why. */
export async function missingCustomer(source: EntityManager | StatementTransaction, id: string): Promise<AppError> {
  const survivor = (await survivors(source, [id])).get(id);
  return (survivor === undefined ? await erasedError(source, id) : undefined) ?? notFound(survivor);
}
