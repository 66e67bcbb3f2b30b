import type pg from 'pg';
import { loadTenant } from '../seed/load-seed.ts';
import { seedRows, type SeedOptions, type SeedTenant } from '../seed/seed-rows.ts';
import { CustomFields } from '../src/engine/fields/custom-fields.js';
import { customers as type } from '../src/domain/customers/customers.js';
import { recordColumns, textLists } from '../src/engine/records/record-content.js';
import { uniqueValues } from '../src/engine/records/unique-values.js';
import type { SharedCustomers } from './running-customers.js';

/** Fills the database with synthetic customers without the change log, runs ANALYZE, and returns the tenants. */
export async function seedTenants(customers: SharedCustomers, options: SeedOptions): Promise<SeedTenant[]> {
  const tenants = seedRows(options);
  await pastTheLog(customers, async (client) => {
    const model = { CustomFields, customers: type, recordColumns, textLists, uniqueValues };
    for (const tenant of tenants) await loadTenant(client, model, tenant);
    await client.query('vacuum analyze customer, customer_key, customer_order_value, customer_association');
  });
  return tenants;
}

/** Copies a customer this many times, without unique values and without the change log. */
export async function copyCustomer(customers: SharedCustomers, id: string, count: number): Promise<void> {
  await pastTheLog(customers, (client) =>
    client.query(
      `insert into customer select (jsonb_populate_record(customer, jsonb_build_object('id', gen_random_uuid()))).*
       from customer, generate_series(1, $2::int) where id = $1`,
      [id, count],
    ),
  );
}

/** Disables all triggers except that of the order values: logging a row takes longer than writing it. */
async function pastTheLog(customers: SharedCustomers, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = await customers.connectAsSuperuser();
  try {
    await client.query('alter table customer enable always trigger insert_customer_order_values');
    await client.query('set session_replication_role = replica');
    await work(client);
  } finally {
    await client.end();
  }
}
