import { LifecycleStage } from '@rapport/contracts/rapport/customers/v1/customer';
import { Settings } from '@rapport/contracts/rapport/work/v1/settings_service';
import type { Caller } from '@rapport/platform';
import { beforeEach, expect, test } from 'vitest';
import { newCaller, person, sharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';

const service = await sharedCustomers();

let caller: Caller;

beforeEach(() => {
  caller = newCaller();
});

const names = (filter: string, orderBy?: string, showDeleted?: boolean) =>
  service.names(caller, { filter, orderBy, showDeleted });

test('birth dates are compared and ordered, absent ones last', async () => {
  const days = { Grace: '1906-12-09', Ada: '1815-12-10', Nobody: undefined, Alan: '1912-06-23' };
  for (const [displayName, birthDate] of Object.entries(days)) {
    await service.create(caller, person({ displayName, birthDate }));
  }

  expect(await names('birthDate < 1900-01-01')).toEqual(['Ada']);
  expect(await names('birthDate BETWEEN 1906-12-09 AND 1912-06-23', 'birthDate desc')).toEqual(['Alan', 'Grace']);
  expect(await names('birthDate IN (1815-12-10, 1912-06-23)', 'birthDate')).toEqual(['Ada', 'Alan']);
  expect(await names('birthDate > today')).toEqual([]);
  expect(await names('', 'birthDate')).toEqual(['Ada', 'Grace', 'Alan', 'Nobody']);
  await expect(names('birthDate > 1815')).rejects.toMatchObject({ violations: [{ reason: 'FILTER_VALUE_INVALID' }] });
});

test('the time of a lifecycle stage is compared and ordered', async () => {
  for (const displayName of ['First', 'Second']) {
    await service.create(caller, person({ displayName, lifecycleStage: LifecycleStage.LEAD }));
  }
  await service.create(caller, person({ displayName: 'None' }));

  expect(await names('lifecycleStageTime > now-1h', 'lifecycleStageTime desc')).toEqual(['Second', 'First']);
  expect(await names('lifecycleStageTime < now-1h')).toEqual([]);
  expect(await names('', 'lifecycleStageTime')).toEqual(['First', 'Second', 'None']);
});

test('deleted records are compared and ordered by delete time, which live ones lack', async () => {
  const made = [];
  for (const displayName of ['A', 'B', 'C']) made.push((await service.create(caller, person({ displayName }))).id);
  for (const id of [made[1], made[0]]) await service.delete(caller, id ?? '');

  expect(await names('', 'deleteTime', true)).toEqual(['B', 'A']);
  expect(await names('deleteTime > now-1h', 'deleteTime desc', true)).toEqual(['A', 'B']);
  expect(await names('deleteTime < now-1h', undefined, true)).toEqual([]);
  expect(await names('deleteTime > now-1h')).toEqual([]);
  expect(await names('NOT deleteTime > now-1h')).toEqual(['C']);
  await expect(names('', 'deleteTime')).rejects.toMatchObject({ violations: [{ reason: 'ORDER_NOT_INDEXED' }] });
  const sales = new SalesTenant(service, caller);
  const deal = await sales.createDeal(await sales.createPipeline());
  await service.call('deleteDeal', { id: deal.id }, caller);
  const request = { filter: 'deleteTime >= today', orderBy: 'deleteTime', showDeleted: true };
  expect((await service.call('listDeals', request, caller)).deals).toHaveLength(1);
});

test('a page of deleted records continues after the previous one', async () => {
  const ids = await Promise.all(
    ['A', 'B', 'C'].map(async (displayName) => (await service.create(caller, person({ displayName }))).id),
  );
  for (const id of ids) await service.delete(caller, id);
  const request = { orderBy: 'deleteTime desc', showDeleted: true, pageSize: 2 };
  const first = await service.call('listCustomers', request, caller);
  const second = await service.call('listCustomers', { ...request, pageToken: first.nextPageToken }, caller);

  expect([...first.customers, ...second.customers].map(({ id }) => id)).toEqual(ids.toReversed());
});

test('today, and the start of a day, follow the time zone of the workspace', async () => {
  const setZone = (timeZone: string | undefined) =>
    service.call(
      'updateSettings',
      { settings: { ...Settings.decode(new Uint8Array()), timeZone }, updateMask: ['timeZone'] },
      caller,
    );
  const dayIn = (timeZone: string) => new Intl.DateTimeFormat('en-CA', { timeZone }).format();
  // It is never the same date in both.
  const [early, late] = ['Pacific/Kiritimati', 'Pacific/Pago_Pago'];
  for (const zone of [early, late]) {
    await service.create(caller, person({ displayName: zone, birthDate: dayIn(zone) }));
  }

  for (const zone of [early, late]) {
    await setZone(zone);
    expect(await names('birthDate = today')).toEqual([zone]);
    // Both were created during that zone's current date.
    expect(await names(`createTime >= ${dayIn(zone)} AND createTime < today+1d`)).toHaveLength(2);
  }
  await setZone(early);
  expect(await names(`createTime >= ${dayIn(late)} AND createTime < ${dayIn(early)}`)).toEqual([]);
  await setZone(undefined);
  expect(await names(`birthDate = today`)).toEqual([early, late].filter((zone) => dayIn(zone) === dayIn('UTC')));
});
