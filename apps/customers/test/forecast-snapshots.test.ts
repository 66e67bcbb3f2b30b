import { StageKind } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { ForecastSource } from '@rapport/contracts/rapport/sales/v1/forecasts_service';
import type { ForecastSnapshot } from '@rapport/contracts/rapport/sales/v1/forecast_snapshots_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { PricedTenant } from './priced-tenant.js';
import { RunningCustomers } from './running-customers.js';
import { SalesTenant, stage } from './sales-tenant.js';

const year = String(new Date().getUTCFullYear());
const euros = (amount: string) => ({ currencyCode: 'EUR', amount });

let service: RunningCustomers;
let tenant: SalesTenant;

// A service of its own: its log forgets.
beforeAll(async () => {
  service = await RunningCustomers.start();
}, 120_000);
afterAll(() => service.stop());
beforeEach(() => {
  tenant = new SalesTenant(service);
});

async function asSuperuser(sql: string, values: unknown[] = []): Promise<void> {
  const superuser = await service.connectAsSuperuser();
  await superuser.query(sql, values);
  await superuser.end();
}

const pipelineOf = () =>
  tenant.createPipeline({
    stages: [{ ...stage('new', StageKind.OPEN), probability: 50 }, stage('won', StageKind.WON)],
  });

test('a snapshot has the sums of its rows, which a caller sees by their owners', async () => {
  const own: Caller = { ...tenant.caller, principalId: `user:${v7()}`, recordScope: 'OWN' };
  const ownerId = own.principalId.slice('user:'.length);
  const pipeline = await pipelineOf();
  const closeDate = `${year}-05-05`;
  const { id, date } = await new PricedTenant(service, tenant.caller).setRate('EUR/USD', '1.115');
  const rate = { id, baseCurrency: 'EUR', quoteCurrency: 'USD', rate: '1.115', date, source: 1 };
  for (const amount of ['1', '2.5']) await tenant.createDeal(pipeline, { closeDate, ownerId, amount: euros(amount) });
  await tenant.createDeal(pipeline, { closeDate, amount: euros('10') });
  await tenant.createDeal(pipeline, { closeDate, ownerId });

  const snapshot = await service.call('createForecastSnapshot', {}, tenant.caller);
  const { rows } = await service.call('listForecastSnapshotRows', { id: snapshot.id }, own);

  expect(snapshot).toMatchObject({
    nightly: false,
    rowCount: 3,
    baseCurrency: 'USD',
    createdBy: tenant.caller.principalId,
  });
  const common = { ownerId, pipelineId: pipeline.id, stage: 'new', month: `${year}-05` };
  expect(rows).toMatchObject([
    { ...common, currencyCode: 'EUR', dealCount: 2, amount: '3.5', weighted: '1.75' },
    { ...common, currencyCode: undefined, dealCount: 1, amount: undefined, weighted: undefined },
  ]);
  // 1.12 and 2.79; 0.56 and 1.39.
  expect(rows).toMatchObject([
    { baseAmount: '3.91', baseWeighted: '1.95', unconvertedDealCount: 0, baseRates: [rate] },
    { baseAmount: undefined, baseWeighted: undefined, unconvertedDealCount: 0, baseRates: [] },
  ]);
  expect(await service.call('getForecastSnapshot', { id: snapshot.id }, own)).toEqual(snapshot);
  const pages = await service.call('listForecastSnapshotRows', { id: snapshot.id, pageSize: 2 }, tenant.caller);
  const next = { id: snapshot.id, pageSize: 2, pageToken: pages.nextPageToken! };
  expect((await service.call('listForecastSnapshotRows', next, tenant.caller)).rows).toHaveLength(1);
  await expect(
    service.call('getForecastSnapshot', { id: snapshot.id }, { ...own, tenantId: v7() }),
  ).rejects.toMatchObject({ reason: 'FORECAST_SNAPSHOT_NOT_FOUND' });
});

test('a workspace takes at most 20 snapshots in 24 hours', async () => {
  const take = () => service.call('createForecastSnapshot', {}, tenant.caller);
  const taken: ForecastSnapshot[] = [];
  while (taken.length < 20) taken.push(...(await Promise.all(Array.from({ length: 5 }, take))));
  const list = await service.call('listForecastSnapshots', { pageSize: 15 }, tenant.caller);
  const rest = await service.call('listForecastSnapshots', { pageToken: list.nextPageToken! }, tenant.caller);

  expect(new Set([...list.forecastSnapshots, ...rest.forecastSnapshots].map(({ id }) => id))).toEqual(
    new Set(taken.map(({ id }) => id)),
  );
  await expect(take()).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_FORECAST_SNAPSHOTS' });
});

test('a workspace gets the snapshot of its midnight, also when it is late, and after the log it answers forecasts', async () => {
  await tenant.createDeal(await pipelineOf(), { closeDate: `${year}-05-05`, amount: euros('7') });
  const { tenantId } = tenant.caller;
  await vi.waitFor(async () => {
    const { changes } = await service.call('listChanges', { types: ['deal'] }, tenant.caller);
    expect(changes).toHaveLength(1);
  });
  // Two days later, without a snapshot of the nights before.
  await asSuperuser(`update change_log_state set dropped_time = now() - interval '3 days'`);
  await asSuperuser(`update change_log set time = time - interval '2 days' where tenant_id = $1`, [tenantId]);
  await asSuperuser('delete from forecast_snapshot where tenant_id = $1', [tenantId]);
  const snapshots = async () =>
    (await service.call('listForecastSnapshots', {}, tenant.caller)).forecastSnapshots.map(({ time, nightly }) => ({
      time,
      nightly,
    }));
  const [today = '', yesterday = '', tomorrow = ''] = [0, -1, 1].map((days) =>
    new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10),
  );
  const nightly = (day: string) => ({ time: `${day}T00:00:00.000Z`, nightly: true });
  await asSuperuser(
    `with due as (update timer set due_time = $2 where tenant_id = $1 and state = 'PENDING' returning id)
     update timer_job set next_time = $2 from due where tenant_id = $1 and timer_id = due.id`,
    [tenantId, `${yesterday}T23:00:00Z`],
  );

  await expect.poll(snapshots, { timeout: 60_000 }).toEqual([nightly(today), nightly(yesterday)]);

  const superuser = await service.connectAsSuperuser();
  const { rows } = await superuser.query<{ due_time: Date }>(
    `select due_time from timer where tenant_id = $1 and state = 'PENDING'`,
    [tenantId],
  );
  await superuser.end();
  expect(rows.map((timer) => timer.due_time.toISOString())).toEqual([nightly(tomorrow).time]);

  await asSuperuser('update change_log_state set dropped_time = now()');
  const noon = `${today}T00:00:00.500Z`;
  expect(await service.call('computeForecast', { period: year, asOf: noon }, tenant.caller)).toMatchObject({
    ...{ source: ForecastSource.SNAPSHOT, computeTime: `${today}T00:00:00.000Z` },
    total: { dealCount: 1, amounts: [{ total: '7.00', weighted: '3.50' }] },
  });
  await expect(service.call('computeForecast', { period: '2010', asOf: noon }, tenant.caller)).rejects.toMatchObject({
    reason: 'HISTORY_EXPIRED',
  });
});
