import { comesTrueWithinMs, startPlatform, type Platform, type Tenant } from '@rapport/testing';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

let platform: Platform;
let tenant: Tenant;
let holder: pg.Client;
/** In no transaction, which would see the activity of its own beginning. */
let observer: pg.Client;

beforeAll(async () => {
  platform = await startPlatform();
  tenant = await platform.createTenant('Impatient');
  [holder, observer] = await Promise.all([connect(), connect()]);
}, 120_000);
afterEach(() => holder.query('rollback'));
afterAll(async () => {
  await Promise.all([holder.end(), observer.end()]);
  await platform.stop();
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: platform.customersDatabase.superuserUrl });
  await client.connect();
  return client;
}

async function heldStatements(): Promise<number> {
  const { rows } = await observer.query<{ count: number }>(
    `select count(*)::int from pg_stat_activity
     where datname = current_database() and state = 'active' and wait_event_type = 'Lock'`,
  );
  return rows[0]?.count ?? 0;
}

test.each([
  ['GET', '/v1/customers?pageSize=7', undefined],
  ['GET', '/v1/customers:export?format=CSV', undefined],
  ['POST', '/v1/customers', { kind: 'COMPANY', displayName: 'Hung up' }],
  ['POST', '/v1/customers:import?kind=COMPANY', 'name\nHung up\n'],
])('500 ms after the client of %s %s has hung up the database does nothing for it', async (method, path, body) => {
  const isFile = typeof body === 'string';
  const headers = {
    authorization: `Bearer ${tenant.apiKey}`,
    'content-type': isFile ? 'text/csv' : 'application/json',
  };
  await holder.query('begin; lock table customer in access exclusive mode');
  const hangUp = new AbortController();
  const sent = fetch(platform.edgeUrl + path, {
    method,
    headers,
    ...(body !== undefined && { body: isFile ? body : JSON.stringify(body) }),
    signal: hangUp.signal,
  }).then((begun) => begun.text());
  const answer = expect(sent).rejects.toThrow();
  await expect.poll(heldStatements).toBeGreaterThan(0);

  hangUp.abort();

  expect(await comesTrueWithinMs(500, async () => (await heldStatements()) === 0)).toBe(true);
  await answer;
});
