import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedPlatform } from '@rapport/testing';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { ExchangeTenant, untilBlocks } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let tenant: ExchangeTenant;
let people: PeopleTable;

beforeEach(async () => {
  tenant = await ExchangeTenant.create(platform);
  people = await PeopleTable.create(tenant);
});

describe('a customer whose creation got no answer', () => {
  let mapping: string;

  beforeEach(async () => {
    await people.insert('Ada');
    mapping = await people.map({ state: 'PAUSED' });
    // As if the process had ended between the creation and what it keeps of it.
    await tenant.api.query(
      `create or replace function forget_creation() returns trigger language plpgsql as
         $$ begin raise exception 'forgotten'; end $$`,
    );
    await tenant.api.query(
      `create trigger ${forgetting()} before update on sync_link for each row
       when (new.mapping_id = '${mapping}' and old.customer_id is null and new.customer_id is not null)
       execute function forget_creation()`,
    );
    await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'ENABLED' });
    expect(await tenant.run(mapping)).toMatchObject({ issues: [{ reason: 'FAILED' }] });
    expect((await tenant.customers()).size).toBe(1);
  });

  const forgetting = () => `forget_${mapping.replaceAll('-', '')}`;
  const remember = () => tenant.api.query(`drop trigger ${forgetting()} on sync_link`);
  const pass25Hours = () =>
    tenant.api.query(
      `update idempotency_key set create_time = create_time - interval '25 hours' where tenant_id = $1`,
      [tenant.api.tenant.tenantId],
      'customers',
    );

  test('is found again after more than a day', async () => {
    await pass25Hours();
    await remember();
    await tenant.run(mapping);

    await tenant.untilEqual(mapping, 1);
    expect((await tenant.customers()).size).toBe(1);
  });

  test('is found again by another principal, with the edits of the meantime', async () => {
    const { id } = await people.customerOf('Ada');
    await tenant.api.updateCustomer(id, { jobTitle: 'Countess' });
    const other = await tenant.api.withKey({
      permissions: ['connections.read', 'connections.write', 'customers.read', 'customers.write'],
    });
    await other.ok('PATCH', `/v1/connections/${people.connection}`, { displayName: 'Ours' });
    await remember();
    await tenant.run(mapping);

    await tenant.untilEqual(mapping, 1);
    expect((await tenant.customers()).size).toBe(1);
    expect(await people.titles()).toEqual([['Ada', 'Countess']]);
  });

  test('is not made anew after it was deleted', async () => {
    const { id } = await people.customerOf('Ada');
    await tenant.api.ok('DELETE', `/v1/customers/${id}`);
    await pass25Hours();
    await remember();

    await tenant.run(mapping);
    expect(await tenant.run(mapping)).toMatchObject({ state: 'SUCCEEDED', issues: [] });
    expect((await tenant.customers()).size).toBe(0);
  });
});

test('what a customer has become reaches a record that could not be read for a moment', async () => {
  const mapping = await people.map();
  await people.insert('Ada');
  await tenant.untilEqual(mapping, 1);
  const { id } = await people.customerOf('Ada');
  await people.database.run(`CREATE TABLE hidden AS SELECT * FROM people`);
  await people.database.run(`DELETE FROM people`);
  const looked = async () =>
    (await tenant.runs(mapping)).filter(({ state, counts }) => state === 'SUCCEEDED' && counts['seen']).length;
  const before = await looked();
  await tenant.api.updateCustomer(id, { jobTitle: 'Countess' });
  await expect.poll(looked, { timeout: 30_000 }).toBeGreaterThan(before);

  await people.database.run(`INSERT INTO people OVERRIDING SYSTEM VALUE SELECT * FROM hidden`);
  await tenant.run(mapping);

  expect(await people.titles()).toEqual([['Ada', 'Countess']]);
});

test('deleting a mapping during its run ends the run without an error', async () => {
  const mapping = await people.map({ direction: 'TO_CUSTOMERS' });
  await tenant.untilEqual(mapping, 0);
  for (let index = 0; index < 12; index += 1) await people.insert(`Person ${index}`);
  const locked = await people.lock();
  await tenant.api.ok('POST', '/v1/syncRuns', { mappingId: mapping });
  await expect.poll(locked.waiting, { timeout: 60_000 }).toBe(1);
  await tenant.api.ok('DELETE', `/v1/mappings/${mapping}`);
  await locked.release();

  // The run is the only one of its queue that is at work.
  const jobs = `select 1 from pgboss.job where data->>'mappingId' = $1 and state in ('created', 'retry', 'active')`;
  await expect.poll(async () => (await tenant.api.query(jobs, [mapping])).length, { timeout: 30_000 }).toBe(0);
  const log = await readFile(join(platform.logDir, 'sync.log'), 'utf8');
  expect(log.split('\n').filter((line) => line.includes(mapping))).toEqual([]);
});

test.each([
  { what: 'the progress', table: 'mapping_progress' },
  { what: 'a pair', table: 'sync_link' },
])('a run whose connection to the database ends while it stores $what is repeated', async ({ table }) => {
  const mapping = await people.map({ direction: 'TO_CUSTOMERS' });
  await people.insert('Ada');
  await tenant.untilEqual(mapping, 1);
  await people.update(`name = 'Ada'`, `title = 'Programmer'`);
  const holding = await tenant.api.connect();
  await holding.query('begin');
  await holding.query(`select from ${table} where mapping_id = $1 for update`, [mapping]);
  const { id } = await tenant.api.ok<{ id: string }>('POST', '/v1/syncRuns', { mappingId: mapping });
  await untilBlocks(holding);
  await holding.query(
    'select pg_terminate_backend(pid) from pg_locks where pg_backend_pid() = any (pg_blocking_pids(pid))',
  );
  await holding.query('rollback');
  await holding.end();

  expect(await tenant.ended(id)).toMatchObject({ state: 'SUCCEEDED', issues: [], counts: { customersUpdated: 1 } });
  await tenant.untilEqual(mapping, 1);
  expect((await tenant.customers()).size).toBe(1);
});
