import pg from 'pg';
import { loadTenant } from '../seed/load-seed.ts';
import { seedRows, type SeedOptions, type SeedTenant } from '../seed/seed-rows.ts';
import { CustomFields } from '../src/custom-fields/custom-fields.js';
import { uniqueValues } from '../src/customer-keys.js';
import { customerContent } from '../src/customer-message.js';
import type { SharedCustomers } from './running-customers.js';

/** Fills the database with made-up customers, gathers the planner's statistics, and answers with the tenants. */
export async function seedTenants({ urls }: SharedCustomers, options: SeedOptions): Promise<SeedTenant[]> {
  const tenants = seedRows(options);
  const app = new pg.Client({ connectionString: urls.appUrl });
  const owner = new pg.Client({ connectionString: urls.ownerUrl });
  await Promise.all([app.connect(), owner.connect()]);
  try {
    for (const tenant of tenants) await loadTenant(app, { CustomFields, customerContent, uniqueValues }, tenant);
    await owner.query('vacuum analyze customer, customer_key, customer_order_value, customer_association');
  } finally {
    await Promise.all([app.end(), owner.end()]);
  }
  return tenants;
}
