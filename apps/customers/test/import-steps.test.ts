import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { counts, ImportTenant, none, rowsOf } from './import-tenant.js';
import { person, RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;
let tenant: ImportTenant;
let observer: pg.Client;

beforeAll(async () => {
  customers = await RunningCustomers.start();
  // Only a superuser sees the activity of the service's sessions.
  observer = new pg.Client({ connectionString: inject('superuserUrl') });
  await observer.connect();
});
afterAll(async () => {
  await observer.end();
  await customers.stop();
});
beforeEach(async () => {
  tenant = await ImportTenant.create(customers);
});
afterEach(() => tenant.close());

/** Since when a statement of the service has waited for a lock; undefined while none waits. */
async function waitingSince(): Promise<string | undefined> {
  const { rows } = await observer.query<{ since: string }>(
    `select query_start::text as since from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'`,
    [tenant.database.database],
  );
  return rows[0]?.since;
}

test('rows that another write holds for longer than a statement may take are imported once it has ended', async () => {
  const emails = [{ address: 'ada@x.example', label: undefined }];
  const { id } = await customers.create(tenant.caller, person({ emails, jobTitle: 'Analyst' }));
  await tenant.database.query('begin');
  await tenant.database.query('select from customer where id = $1 for update', [id]);
  const rows = [{ email: 'grace@x.example' }, { email: 'ada@x.example', job_title: 'Countess' }];
  let isOver = false;
  const answer = tenant.importFile(rowsOf(rows)).finally(() => (isOver = true));
  answer.catch(() => undefined);

  const first = await expect.poll(waitingSince, { timeout: 20_000 }).toBeDefined().then(waitingSince);
  await expect.poll(async () => isOver || (await waitingSince()) !== first, { timeout: 20_000 }).toBe(true);
  await tenant.database.query('commit');

  expect(counts(await answer)).toEqual({ ...none, created: 1, updated: 1 });
  expect(await customers.get(tenant.caller, id)).toMatchObject({ jobTitle: 'Countess' });
});

test('rows that are too many for the time of one statement are imported in smaller steps, and counted once', async () => {
  const rows = Array.from({ length: 13 }, (_, index) => ({ name: `Row ${index}`, email: `row${index}@x.example` }));
  const answer = await tenant.importFileSlowly(rowsOf([...rows, { email: 'row3@x.example', job_title: 'Late' }]));

  expect(counts(answer)).toEqual({ ...none, created: 13, joined: 1 });
  expect((await tenant.stored()).map(({ displayName }) => displayName)).toEqual(rows.map(({ name }) => name));
});

test('a single row may take as long as any other statement', async () => {
  await tenant.database.query(`
    create function slow_customers() returns trigger language plpgsql as $$ begin perform pg_sleep(3); return null; end $$;
    create trigger slow_customers after insert on customer for each statement execute function slow_customers()`);
  try {
    expect(counts(await tenant.importFile(rowsOf([{ email: 'ada@x.example' }])))).toEqual({ ...none, created: 1 });
  } finally {
    await tenant.database.query('drop function slow_customers cascade');
  }
});
