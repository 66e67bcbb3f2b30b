import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import { loadKeysOf } from '../records/customers/entity-content.js';
import { Customer } from '../records/customers/customer.entity.js';

/** Customers by id, live or deleted, locked in the order of their ids: two merges wait for each other, not both for ever. */
export async function lockCustomers(em: EntityManager, ids: string[]): Promise<Map<string, Customer>> {
  const { tenantId } = currentCaller();
  const rows = await em.find(
    Customer,
    { tenantId, id: { $in: ids } },
    { orderBy: { id: 'asc' }, lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  await loadKeysOf(rows);
  return new Map(rows.map((row) => [row.id, row]));
}
