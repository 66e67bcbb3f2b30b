import { drawnBy, isSoak, printedSeed, sharedPlatform } from '@rapport/testing';
import { expect, inject, test, vi } from 'vitest';
import { until } from '../until.ts';
import { ExchangeTenant } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

/** Calls that stop the runs of a mapping. */
const stops = [
  { what: 'its mapping is paused', of: 'mappings', method: 'PATCH', change: { state: 'PAUSED' } },
  { what: 'its connection is disabled', of: 'connections', method: 'PATCH', change: { state: 'DISABLED' } },
  { what: 'its mapping is deleted', of: 'mappings', method: 'DELETE', change: undefined },
  { what: 'its connection is deleted', of: 'connections', method: 'DELETE', change: undefined },
] as const;
type Stop = (typeof stops)[number];

/** All of them, or for each test another one that the seed draws. */
const [ofWrites, ofDeletes, ofHeldWrites] = isSoak
  ? [stops, stops, stops]
  : drawnBy(printedSeed('stopped-runs'), stops, 3).map((stop) => [stop]);

const platform = await sharedPlatform(inject('platformUrl'));

test.each(ofWrites)('a run writes no customer after the answer to the call by which $what', async (stop) => {
  const { tenant, people } = await tableOf(1500);
  const mapping = await people.map({ direction: 'TO_CUSTOMERS' });
  await untilBegun(async () => (await customers(tenant)) > 0);

  await stopBy(stop, { tenant, people, mapping });
  const before = await customers(tenant);
  await untilEnded(tenant, mapping);

  expect((await customers(tenant)) - before).toBe(0);
  expect(before).toBeLessThan(1_000);
});

test.each(ofDeletes)('a run deletes no customer after the answer to the call by which $what', async (stop) => {
  const { tenant, people } = await tableOf(300);
  const mapping = await people.map({ direction: 'TO_CUSTOMERS', deletePolicy: 'PROPAGATE', maxDeletes: 1_000 });
  await tenant.run(mapping);
  expect(await customers(tenant)).toBe(300);
  await people.update('true', 'deleted_at = clock_timestamp()');
  const headers = { 'idempotency-key': `delete-${mapping}` };
  expect((await tenant.api.send('POST', '/v1/syncRuns', { mappingId: mapping }, headers)).status).toBeLessThan(300);
  await untilBegun(async () => (await customers(tenant)) < 300);

  await stopBy(stop, { tenant, people, mapping });
  const before = await customers(tenant);
  await untilEnded(tenant, mapping);

  expect(before - (await customers(tenant))).toBe(0);
  expect(before).toBeGreaterThan(100);
});

test.each(ofHeldWrites)(
  'the call by which $what is answered after the writes that another system holds up',
  async (stop) => {
    const { tenant, people } = await tableOf(0);
    for (let number = 0; number < 60; number += 1) await tenant.api.createCustomer(`Person ${number}`);
    const rows = async () => (await people.database.run('SELECT id FROM people')).length;
    const mapping = await people.map({ direction: 'TO_PEER' });
    await untilBegun(async () => (await rows()) > 0);
    const lock = await people.lock();
    await until(async () => (await lock.waiting()) > 0);

    let isAnswered = false;
    const answer = stopBy(stop, { tenant, people, mapping }).finally(() => (isAnswered = true));
    await until(async () => (await stateOf(tenant, stop, people, mapping)) !== 'ENABLED');
    const isAnsweredEarly = isAnswered;
    await lock.release();
    await answer;
    const before = await rows();
    await untilEnded(tenant, mapping);

    expect(isAnsweredEarly).toBe(false);
    expect((await rows()) - before).toBe(0);
  },
);

async function tableOf(count: number): Promise<{ tenant: ExchangeTenant; people: PeopleTable }> {
  const tenant = await ExchangeTenant.create(platform);
  const people = await PeopleTable.create(tenant);
  await people.database.run(`INSERT INTO people (name) SELECT 'Person ' || i FROM generate_series(1, ${count}) i`);
  return { tenant, people };
}

/** Looks often: what has begun takes a second. */
async function untilBegun(holds: () => Promise<boolean>): Promise<void> {
  await vi.waitUntil(holds, { timeout: 100_000, interval: 20 });
}

/** The number of live customers. */
async function customers({ api }: ExchangeTenant): Promise<number> {
  const sql = 'select count(*)::int as count from customer where tenant_id = $1 and delete_time is null';
  const [row] = await api.query<{ count: number }>(sql, [api.tenant.tenantId], 'customers');
  return row?.count ?? 0;
}

interface Stoppable {
  tenant: ExchangeTenant;
  people: PeopleTable;
  mapping: string;
}

function pathOf({ of }: Stop, people: PeopleTable, mapping: string): string {
  return `/v1/${of}/${of === 'mappings' ? mapping : people.connection}`;
}

async function stopBy(stop: Stop, { tenant, people, mapping }: Stoppable): Promise<void> {
  await tenant.api.ok(stop.method, pathOf(stop, people, mapping), stop.change);
}

/** DELETED when it is not there. */
async function stateOf(tenant: ExchangeTenant, stop: Stop, people: PeopleTable, mapping: string): Promise<string> {
  const { status, body } = await tenant.api.send('GET', pathOf(stop, people, mapping));
  return status === 404 ? 'DELETED' : (body as { state: string }).state;
}

/** Waits until no process executes a run of the mapping. */
async function untilEnded({ api }: ExchangeTenant, mapping: string): Promise<void> {
  const active = `select from pgboss.job where singleton_key = $1 and state = 'active'`;
  await until(async () => (await api.query(active, [mapping])).length === 0);
}
