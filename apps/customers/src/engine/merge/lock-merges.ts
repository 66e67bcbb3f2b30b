import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { queryRows } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { customerType } from '../records/customers/customer-type.js';
import { openStored, type StoredRecord } from '../records/record-rows.js';
import { lockRecords } from '../records/record-statements.js';

/** Locks customers, live or deleted, in the order of their ids, so that two merges cannot deadlock. @returns customers by id */
export async function lockCustomers(em: EntityManager, ids: string[]): Promise<Map<string, Customer>> {
  const rows = await queryRows<StoredRecord<Customer>>(em, lockRecords(customerType(), ids));
  const customers = await openStored(customerType(), rows);
  return new Map(customers.map((customer) => [customer.id, customer]));
}

/**
 * Locks, until the transaction ends, the merges and unmerges of a tenant. Two at both ends of an association could
 * otherwise create the same association. Take it before any row lock.
 */
export async function lockMerges(em: EntityManager): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [
    `customer_merge ${currentCaller().tenantId}`,
  ]);
}
