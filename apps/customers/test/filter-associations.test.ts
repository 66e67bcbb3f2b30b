import type { Caller } from '@rapport/platform';
import { beforeAll, expect, test } from 'vitest';
import { AssociatingTenant } from './associating-tenant.js';
import { person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let tenant: AssociatingTenant;
let caller: Caller;
let ada: string;
let won: string;
let lost: string;

beforeAll(async () => {
  tenant = new AssociatingTenant(customers);
  ({ caller } = tenant);
  ada = (await tenant.merging.create(person({ displayName: 'Ada', tags: ['vip'] }))).id;
  [won, lost] = [await tenant.deal({ title: 'Won' }), await tenant.deal({ title: 'Lost', tags: ['old'] })];
  const { id: pipeline } = await tenant.pipeline();
  await tenant.associate({ from: `deals/${won}`, to: `customers/${ada}`, type: 'decided_by' });
  await tenant.associate({ from: `deals/${won}`, to: `deals/${lost}`, type: 'follows' });
  await tenant.associate({ from: `customers/${ada}`, to: `deals/${won}`, type: 'decides_on' });
  await tenant.associate({ from: `pipelines/${pipeline}`, to: `deals/${lost}`, type: 'began_with' });
});

const dealsBy = async (filter: string, by = caller) =>
  (await customers.call('listDeals', { filter, pageSize: 200 }, by)).deals.map(({ title }) => title);

test.each([
  ['associations.decided_by:*', ['Won']],
  ['NOT associations.decided_by:*', ['Lost']],
  ['associations.decided_by.tags:vip', ['Won']],
  ['associations.decided_by.displayName = ada', ['Won']],
  ['associations.decided_by.customers.displayName = bob', []],
  ['associations.follows:*', []],
  ['associations.follows.deals:*', ['Won']],
  ['associations.follows.deals.tags:old AND associations.decided_by:*', ['Won']],
  ['associations.follows.deals.title = won', []],
])('deals are found by their associated records: %s', async (filter, expected) => {
  expect(await dealsBy(filter)).toEqual(expected);
});

test('customers and pipelines are too, and by ids', async () => {
  const pipelines = (filter: string) => customers.call('listPipelines', { filter }, caller);

  expect(await customers.names(caller, { filter: 'associations.decides_on.deals.title = won' })).toEqual(['Ada']);
  expect(await customers.names(caller, { filter: 'associations.decides_on.deals.title = lost' })).toEqual([]);
  expect(await dealsBy(`associations.decided_by:${ada}`)).toEqual(['Won']);
  expect(await dealsBy(`associations.follows.deals = ${lost}`)).toEqual(['Won']);
  expect((await pipelines('associations.began_with.deals.tags:old')).pipelines).toHaveLength(1);
  expect((await pipelines('associations.began_with.deals.title = won')).pipelines).toEqual([]);
});

test('an association with a deleted record does not match until it is restored', async () => {
  await customers.call('deleteDeal', { id: lost }, caller);
  expect(await dealsBy('associations.follows.deals:*')).toEqual([]);
  await customers.call('undeleteDeal', { id: lost }, caller);
  expect(await dealsBy('associations.follows.deals:*')).toEqual(['Won']);
});

test('associated records require their permission, and their personal data is refused when hidden', async () => {
  const without = (permission: string) => ({
    ...caller,
    permissions: caller.permissions.filter((each) => each !== permission),
  });

  await expect(dealsBy('associations.decided_by:*', without('customers.read'))).rejects.toMatchObject({
    ...{ code: 'PERMISSION_DENIED', metadata: { permission: 'customers.read' } },
  });
  await expect(
    customers.names(without('deals.read'), { filter: 'associations.decides_on.deals:*' }),
  ).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  for (const filter of ['associations.decided_by.emails:a@b.example', 'associations.x.customers.emails:a@b.example']) {
    await expect(dealsBy(filter, { ...caller, hidesPii: true })).rejects.toMatchObject({ reason: 'FIELD_HIDDEN' });
  }
  await expect(dealsBy('associations.follows.orders.title = x')).rejects.toMatchObject({
    violations: [{ reason: 'FILTER_FIELD_UNKNOWN' }],
  });
});
