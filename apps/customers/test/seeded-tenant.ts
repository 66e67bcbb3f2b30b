import type pg from 'pg';
import { loadTenant } from '../seed/load-seed.ts';
import { seedRows, type SeedOptions, type SeedTenant } from '../seed/seed-rows.ts';
import { CustomFields } from '../src/engine/fields/custom-fields.js';
import { customers as type } from '../src/domain/customers/customers.js';
import { recordColumns, textLists } from '../src/engine/records/record-content.js';
import { uniqueValues } from '../src/engine/records/unique-values.js';
import { newDatabase, restoreBackup } from './databases.js';
import { RunningCustomers, type SharedCustomers } from './running-customers.js';
import { superuserOf } from './superuser.js';

/** A service, or its database alone. */
type Seeded = Pick<SharedCustomers, 'urls'>;

/** Fills the database with synthetic customers without the change log, runs ANALYZE, and returns the tenants. */
export async function seedTenants(customers: Seeded, options: SeedOptions): Promise<SeedTenant[]> {
  const tenants = seedRows(options);
  await pastTheLog(customers, async (client) => {
    const model = { CustomFields, customers: type, recordColumns, textLists, uniqueValues };
    for (const tenant of tenants) await loadTenant(client, model, tenant);
    await client.query('vacuum analyze customer, customer_key, customer_order_value, customer_association');
  });
  return tenants;
}

/**
 * Starts a service whose database has two tenants, of which the first has just more live customers than a small tenant: 10,000. All
 * test files of the process have copies of one database: the rows take longer than most tests of them.
 */
export async function startSeeded(): Promise<{ customers: RunningCustomers; tenants: SeedTenant[] }> {
  const { urls, tenants } = await (seeded ??= seedDatabase());
  return { customers: await RunningCustomers.start({ databases: await restoreBackup(urls) }), tenants };
}

let seeded: ReturnType<typeof seedDatabase> | undefined;

async function seedDatabase() {
  const urls = await newDatabase();
  return { urls, tenants: await seedTenants({ urls }, { customers: 15_000, tenants: 2, seed: 7 }) };
}

/** Copies a customer this many times, without unique values and without the change log. */
export async function copyCustomer(customers: Seeded, id: string, count: number): Promise<void> {
  await pastTheLog(customers, (client) =>
    client.query(
      // `select (jsonb_populate_record(…)).*` would call the function once for each column.
      `insert into customer select copied.* from customer, generate_series(1, $2::int) n,
         jsonb_populate_record(customer, jsonb_build_object('id', gen_random_uuid(), 'n', n)) copied where customer.id = $1`,
      [id, count],
    ),
  );
}

/** Disables all triggers except that of the order values: logging a row takes longer than writing it. */
export async function pastTheLog({ urls }: Seeded, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = await superuserOf(urls.ownerUrl);
  try {
    await client.query('alter table customer enable always trigger insert_customer_order_values');
    await client.query('set session_replication_role = replica');
    await work(client);
  } finally {
    await client.end();
  }
}
