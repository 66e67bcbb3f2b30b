import { beforeEach, expect, test } from 'vitest';
import { changesOf, watch } from './change-feeds.js';
import { newCaller, person, sharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';

const customers = await sharedCustomers();
let tenant: SalesTenant;

beforeEach(async () => {
  tenant = new SalesTenant(customers, newCaller());
  await tenant.createDeal(await tenant.createPipeline());
  // The last change: earlier ones have been read with it.
  await customers.create(tenant.caller, person());
});

function as(...permissions: string[]) {
  return { ...tenant.caller, permissions };
}

test('a reader of all changes gets those of the types that it can read', async () => {
  const typesFor = async (count: number, ...permissions: string[]) =>
    (await changesOf(customers, as(...permissions), count)).map(({ type }) => type).toSorted();

  const all = ['customers.read', 'deals.read', 'pipelines.read'];
  expect(await typesFor(4, ...all)).toEqual(['customer', 'deal', 'pipeline', 'stage_entry']);
  expect(await typesFor(3, 'customers.read', 'deals.read')).toEqual(['customer', 'deal', 'stage_entry']);
  expect(await typesFor(1, 'customers.read')).toEqual(['customer']);
});

test('a reader that names an unreadable type is refused with the missing permission', async () => {
  const refusal = {
    ...{ code: 'PERMISSION_DENIED', reason: 'PERMISSION_MISSING' },
    metadata: { permission: 'deals.read' },
  };
  const types = ['customer', 'stage_entry'];

  const listed = customers.call('listChanges', { types }, as('customers.read', 'pipelines.read'));
  await expect(listed).rejects.toMatchObject(refusal);
  await expect(watch(customers, as('customers.read'), { types }).next()).rejects.toMatchObject(refusal);
  expect(await changesOf(customers, as('customers.read', 'deals.read'), 2, { types })).toHaveLength(2);
});

test('a cursor stays valid when its reader’s permissions change', async () => {
  const { nextCursor: cursor } = await customers.call('listChanges', { waitSeconds: 20 }, as('customers.read'));

  await tenant.createPipeline();

  const [change] = await changesOf(customers, as('customers.read', 'pipelines.read'), 1, { cursor });
  expect(change).toMatchObject({ type: 'pipeline' });
});
