import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { queryRows } from '@rapport/persistence';
import { customerType } from '../records/customers/customer-type.js';
import { openStored, type StoredRecord } from '../records/record-rows.js';
import { lockRecords } from '../records/record-statements.js';

/** Locks customers, live or deleted, in the order of their ids, so that two merges cannot deadlock. @returns customers by id */
export async function lockCustomers(em: EntityManager, ids: string[]): Promise<Map<string, Customer>> {
  const rows = await queryRows<StoredRecord<Customer>>(em, lockRecords(customerType(), ids));
  const customers = await openStored(customerType(), rows);
  return new Map(customers.map((customer) => [customer.id, customer]));
}
