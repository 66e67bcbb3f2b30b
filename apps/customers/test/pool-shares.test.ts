import { setTimeout as delay } from 'node:timers/promises';
import type { AppError } from '@rapport/platform';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ImportTenant } from './import-tenant.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';

/** Of the 15 connections of the pool that may write. */
const share = 9;

/** Of all 20 connections. */
const scanShare = 6;

let customers: RunningCustomers;
let hostile: ImportTenant;
/** In no transaction, which would see the activity as of its start. */
let observer: pg.Client;
let isOver: boolean;

beforeAll(async () => {
  customers = await RunningCustomers.start();
  observer = await customers.connectAsSuperuser();
});
afterAll(async () => {
  await observer.end();
  await customers.stop();
});
beforeEach(async () => {
  hostile = await ImportTenant.create(customers);
  isOver = false;
  return async () => {
    isOver = true;
    await hostile.database.query('rollback');
    await hostile.close();
  };
});

/** Number of statements that wait for a lock. */
async function waiting(): Promise<number> {
  const { rows } = await observer.query<{ count: number }>(
    `select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0]?.count ?? 0;
}

const withAddress = (address: string) => person({ emails: [{ address, label: undefined }] });

/** 40 clients that try again and again to write what another transaction holds. @param onRefused called with each refusal */
function insist(onRefused: (error: AppError) => void = () => undefined): Promise<void>[] {
  return Array.from({ length: 40 }, async () => {
    while (!isOver) {
      await customers.create(hostile.caller, withAddress('eve@x.example')).catch(onRefused);
      // Paces the load: most are refused at once.
      await delay(50);
    }
  });
}

test('a write that waits too long for the values of another is refused, and can be retried', async () => {
  await hostile.beginEve('eve@x.example');

  const refused = customers.create(hostile.caller, withAddress('eve@x.example'));

  await expect(refused).rejects.toMatchObject({ code: 'ABORTED', reason: 'CONCURRENT_WRITE', retryAfterSeconds: 1 });
  await hostile.database.query('rollback');
  await customers.create(hostile.caller, withAddress('eve@x.example'));
});

test('writes of a tenant that wait for each other leave connections for other tenants', async () => {
  await hostile.beginEve('eve@x.example');
  const writers = insist();
  await expect.poll(waiting).toBeGreaterThanOrEqual(share);
  const calm = newCaller();

  for (let call = 0; call < 50; call += 1) {
    await customers.create(calm, person());
    await customers.names(calm, { pageSize: 1 });
    expect(await waiting()).toBeLessThanOrEqual(share);
  }

  isOver = true;
  await hostile.database.query('rollback');
  await Promise.all(writers);
});

test('a tenant reads while its writes hold all connections that it can get, and further writes are refused', async () => {
  await hostile.beginEve('eve@x.example');
  const reasons = new Set<string>();
  const writers = insist(({ reason }) => reasons.add(reason));
  await expect.poll(waiting).toBeGreaterThanOrEqual(share);

  // A few at a time: they share the connections that writes leave, and a call waits for one for no longer than a second.
  const read = () => customers.call('listOperations', {}, hostile.caller);
  for (let done = 0; done < 60; done += 6) await Promise.all(Array.from({ length: 6 }, read));
  await expect.poll(() => [...reasons]).toContain('TOO_MANY_CONCURRENT');

  isOver = true;
  await hostile.database.query('rollback');
  await Promise.all(writers);
});

test('lists and sums of a tenant that take long hold some connections only, and its other calls go on', async () => {
  await hostile.database.query('begin');
  await hostile.database.query('lock table deal in access exclusive mode');
  const reasons = new Set<string>();
  const scans = Array.from({ length: 40 }, async (_, index) => {
    const scan = () =>
      index % 2 === 0
        ? customers.call('listDeals', { filter: `tags = t${index}` }, hostile.caller)
        : customers.call('aggregateDeals', { groupBy: ['stage'], sum: [] }, hostile.caller);
    while (!isOver) await scan().catch(({ reason }: AppError) => reasons.add(reason));
  });
  await expect.poll(waiting).toBe(scanShare);

  for (let call = 0; call < 20; call += 1) await customers.create(hostile.caller, person());
  await expect.poll(() => [...reasons]).toContain('TOO_MANY_CONCURRENT');
  expect(await waiting()).toBeLessThanOrEqual(scanShare);

  isOver = true;
  await hostile.database.query('rollback');
  await Promise.all(scans);
});
