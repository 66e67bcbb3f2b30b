import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { queryRows, type Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { customerType } from '../../../engine/records/customers/customer-type.js';
import { openStored, rowReader, shownColumns, type StoredRecord } from '../../../engine/records/record-rows.js';
import { liveRecords } from '../../../engine/records/record-statements.js';

/** Live customers, in any order. */
export async function customersById(em: EntityManager, ids: readonly string[]): Promise<Customer[]> {
  return ids.length === 0 ? [] : readCustomers(em, liveRecords(customerType(), ids));
}

/** Live customers with ids greater than one, in the order of ids. */
export function customersAfter(em: EntityManager, id: string, limit: number): Promise<Customer[]> {
  return readCustomers(em, {
    name: 'live_customers_after',
    sql: `select ${shownColumns(customerType())} from customer
      where tenant_id = $1 and delete_time is null and id > $2 order by id limit $3`,
    values: [currentCaller().tenantId, id, limit],
    row: rowReader(customerType()),
  });
}

/** The live customers with the greatest ids. */
export function lastCustomers(em: EntityManager, limit: number): Promise<Customer[]> {
  return readCustomers(em, {
    name: 'last_live_customers',
    sql: `select ${shownColumns(customerType())} from customer
      where tenant_id = $1 and delete_time is null order by id desc limit $2`,
    values: [currentCaller().tenantId, limit],
    row: rowReader(customerType()),
  });
}

async function readCustomers(em: EntityManager, statement: Statement): Promise<Customer[]> {
  return openStored(customerType(), await queryRows<StoredRecord<Customer>>(em, statement));
}

/** Less than the id of any customer. */
export const lowestId = '00000000-0000-0000-0000-000000000000';
