// Fills a database with made-up customers: `nx run customers:seed`.
//   SEED_DATABASE_URL  a migrated database, as the app role. Without it PostgreSQL is started in SEED_DIR
//   SEED_DIR           folder of that PostgreSQL (.rapport/seed)
//   SEED_CUSTOMERS     how many (1000000)
//   SEED_TENANTS       in how many tenants, 1 to 20 (20)
//   SEED               the same number gives the same rows (1)
import { join, resolve } from 'node:path';
import { provisionDatabase, startEmbeddedPostgres } from '@rapport/testing';
import { runMigrations } from '@rapport/persistence';
import pg from 'pg';
import { loadTenant } from './load-seed.ts';
import { source } from './load-source.ts';
import { seedRows } from './seed-rows.ts';

const { entities, migrations } = source;

const options = {
  customers: readCount('SEED_CUSTOMERS', 1_000_000, 10_000_000),
  tenants: readCount('SEED_TENANTS', 20, 20),
  seed: readCount('SEED', 1, 1_000_000),
};
const given = process.env['SEED_DATABASE_URL'];
const { url, stop } = given === undefined ? await startOwnDatabase() : { url: given, stop: () => Promise.resolve() };
try {
  await seed(url);
} finally {
  await stop();
}

async function seed(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const start = performance.now();
  const seconds = () => Math.round((performance.now() - start) / 1000);
  let done = 0;
  try {
    for (const tenant of seedRows(options)) {
      say(`Tenant ${tenant.tenantId}: ${tenant.customers} customers`);
      await loadTenant(client, source, tenant, (customers) => {
        done += customers;
        if (done % 50_000 < customers) say(`  ${done} after ${seconds()} s`);
      });
    }
  } finally {
    await client.end();
  }
  say(`Wrote ${done} customers in ${seconds()} s`);
}

/** PostgreSQL in a folder of its own; its data is retained. */
async function startOwnDatabase() {
  const dataDir = resolve(import.meta.dirname, '../../..', process.env['SEED_DIR'] ?? '.rapport/seed');
  const postgres = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres') });
  try {
    const { ownerUrl, appUrl } = await provisionDatabase(postgres.superuserUrl, 'customers');
    await runMigrations({ databaseUrl: ownerUrl, entities, migrations });
    say(`Database in ${dataDir}`);
    const stop = async () => {
      await analyze(ownerUrl);
      await postgres.stop();
    };
    return { url: appUrl, stop };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

/** What autovacuum would do some minutes later. */
async function analyze(ownerUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  await client.query('vacuum analyze');
  await client.end();
}

function readCount(variable: string, fallback: number, most: number): number {
  const count = Number(process.env[variable] ?? fallback);
  if (Number.isInteger(count) && count >= 1 && count <= most) return count;
  throw new Error(`${variable} must be a number from 1 to ${most}.`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
