import { catalogFaults, createOrm, schemaDifference, tenantSession } from '@rapport/persistence';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;

beforeAll(async () => {
  customers = await RunningCustomers.start();
});
afterAll(() => customers.stop());

test('every table keeps tenants apart', async () => {
  expect(await catalogFaults(customers.urls.appUrl)).toEqual([]);
});

test('migrations and entities agree', async () => {
  expect(await schemaDifference({ databaseUrl: customers.urls.ownerUrl, entities })).toBe('');
});

test('SQL written by hand sees the rows of its tenant only, inside and outside of a transaction', async () => {
  const [ours, theirs] = [newCaller(), newCaller()];
  await customers.create(ours, person({ emails: [{ address: 'ada@example.com' }] }));
  await customers.create(theirs, person({ emails: [{ address: 'ada@example.com' }] }));
  const orm = createOrm({ databaseUrl: customers.urls.appUrl, entities });
  const em = orm.em.fork({ session: tenantSession(ours.tenantId) });
  const tenantsSeen = `select tenant_id from customer union all select tenant_id from customer_key`;

  const outside = await em.execute(tenantsSeen);
  const inside = await em.transactional((transaction) => transaction.execute(tenantsSeen));
  const withoutTenant = await orm.em.fork().execute(tenantsSeen);
  await orm.close();

  expect(outside).toEqual([{ tenant_id: ours.tenantId }, { tenant_id: ours.tenantId }]);
  expect(inside).toEqual(outside);
  expect(withoutTenant).toEqual([]);
});
