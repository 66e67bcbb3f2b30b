import { randomUUID } from 'node:crypto';
import { sharedPlatform } from '@rapport/testing';
import { expect, inject, test } from 'vitest';
import { until } from '../until.ts';
import { ExchangeTenant } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

const platform = await sharedPlatform(inject('platformUrl'));

const waitingRuns = async ({ api }: ExchangeTenant, mapping: string) =>
  (await api.query(`select from sync_run where mapping_id = $1 and state = 'QUEUED' and not is_automatic`, [mapping]))
    .length;

test('a mapping has 100 requested runs that wait, and takes others once they have run', async () => {
  const tenant = await ExchangeTenant.create(platform);
  const people = await PeopleTable.create(tenant);
  const [mapping, other] = [await people.map(), await people.map({ direction: 'TO_CUSTOMERS' })];
  const request = (id = mapping) =>
    tenant.api.send('POST', '/v1/syncRuns', { mappingId: id, dryRun: true }, { 'idempotency-key': randomUUID() });
  const lock = await people.lock();
  await request();
  await until(async () => (await lock.waiting()) > 0);

  const answers: Awaited<ReturnType<typeof request>>[] = [];
  for (let count = 0; count < 110; count += 1) answers.push(await request());
  const [ofOther, waiting] = [await request(other), await waitingRuns(tenant, mapping)];
  await lock.release();
  await until(async () => (await waitingRuns(tenant, mapping)) < 100);

  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThanOrEqual(9);
  expect(refused[0]?.body).toMatchObject({ code: 'SYNC_RUN_LIMIT' });
  expect(waiting).toBe(100);
  expect([ofOther.status, (await request()).status]).toEqual([201, 201]);
  await tenant.api.ok('DELETE', `/v1/connections/${people.connection}`);
});

test('conflicts that are resolved while a run is under way are settled by one run', async () => {
  const tenant = await ExchangeTenant.create(platform);
  const people = await PeopleTable.create(tenant);
  const mapping = await people.map({ policy: 'MANUAL' });
  await people.changeBoth(mapping);
  const [conflict] = await tenant.conflicts(mapping);
  const lock = await people.lock();
  await tenant.api.send('POST', '/v1/syncRuns', { mappingId: mapping }, { 'idempotency-key': randomUUID() });
  await until(async () => (await lock.waiting()) > 0);

  for (let count = 0; count < 5; count += 1) {
    await tenant.api.ok('POST', `/v1/syncConflicts/${conflict?.id}:resolve`, { choice: 'CUSTOMER' });
  }
  const waiting = await waitingRuns(tenant, mapping);
  await lock.release();
  await expect.poll(() => people.titles(), { timeout: 60_000 }).toEqual([['Ada', 'Countess']]);

  expect(waiting).toBe(1);
});
