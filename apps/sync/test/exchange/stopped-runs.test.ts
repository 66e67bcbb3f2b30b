import { sharedPlatform, type SharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, test } from 'vitest';
import { until } from '../until.ts';
import { ExchangeTenant } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

let platform: SharedPlatform;

beforeAll(async () => {
  platform = await sharedPlatform(inject('platformUrl'));
});

test.each([
  { what: 'its mapping is paused', change: { state: 'PAUSED' }, of: 'mappings' },
  { what: 'its connection is disabled', change: { state: 'DISABLED' }, of: 'connections' },
])('a run ends without another record once $what', async ({ change, of }) => {
  const tenant = await ExchangeTenant.create(platform);
  const people = await PeopleTable.create(tenant);
  await people.database.run(`INSERT INTO people (name) SELECT 'Person ' || i FROM generate_series(1, 1500) i`);
  const { api } = tenant;
  const exchanged = async () => {
    const sql = 'select count(*)::int as count from customer where tenant_id = $1';
    const [row] = await api.query<{ count: number }>(sql, [api.tenant.tenantId], 'customers');
    return row?.count ?? 0;
  };
  const mapping = await people.map({ direction: 'TO_CUSTOMERS' });
  await until(async () => (await exchanged()) > 0);

  await api.ok('PATCH', `/v1/${of}/${of === 'mappings' ? mapping : people.connection}`, change);
  const before = await exchanged();
  const lastRun = async () => (await tenant.runs(mapping)).at(-1);
  await until(async () => (await lastRun())?.errorReason === 'MAPPING_DISABLED');

  // Those that were on their way: a run writes eight at a time.
  expect((await exchanged()) - before).toBeLessThanOrEqual(8);
  expect(before).toBeLessThan(1_000);
});
