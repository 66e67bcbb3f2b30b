import { LifecycleStage } from '@rapport/contracts/rapport/customers/v1/customer';
import { BatchMode } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Caller } from '@rapport/platform';
import { beforeEach, expect, test } from 'vitest';
import { ImportTenant, issues, rowsOf } from './import-tenant.js';
import { customerOf, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

const { UNSPECIFIED, LEAD, QUALIFIED, OPPORTUNITY, CUSTOMER, FORMER_CUSTOMER } = LifecycleStage;

let caller: Caller;

beforeEach(() => {
  caller = newCaller();
});

test('a customer advances through the stages, and returns only after clearing its stage', async () => {
  const { id } = await customers.create(caller, person({ lifecycleStage: LEAD }));
  const move = async (lifecycleStage: LifecycleStage) =>
    (await customers.update(caller, id, { lifecycleStage })).lifecycleStage;

  for (const stage of [CUSTOMER, FORMER_CUSTOMER, OPPORTUNITY, CUSTOMER]) expect(await move(stage)).toBe(stage);
  await expect(move(LEAD)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: [
      {
        field: 'customer.lifecycleStage',
        reason: 'LIFECYCLE_TRANSITION',
        description: expect.stringContaining('CUSTOMER is followed by FORMER_CUSTOMER') as string,
      },
    ],
  });
  expect(await move(UNSPECIFIED)).toBe(UNSPECIFIED);
  expect(await move(LEAD)).toBe(LEAD);
});

test('an item of a batch follows the same rules, from the stage after earlier items', async () => {
  const { id } = await customers.create(caller, person({ lifecycleStage: QUALIFIED }));
  const items = [LEAD, CUSTOMER, OPPORTUNITY, FORMER_CUSTOMER].map((lifecycleStage) => ({
    id,
    customer: customerOf({ lifecycleStage }),
    updateMask: ['lifecycleStage'],
  }));

  const { results } = await customers.call(
    'batchUpdateCustomers',
    { batch: { items, mode: BatchMode.PER_ITEM } },
    caller,
  );

  expect(results.map(({ customer, problem }) => customer?.lifecycleStage ?? problem?.violations[0]?.reason)).toEqual([
    'LIFECYCLE_TRANSITION',
    CUSTOMER,
    'LIFECYCLE_TRANSITION',
    FORMER_CUSTOMER,
  ]);
});

test('the time of a stage is that of the write that set it, in single writes and imports', async () => {
  const tenant = await ImportTenant.create(customers);
  caller = tenant.caller;
  try {
    const row = (cells: object) => rowsOf([{ externalIds: [{ system: 'erp', value: '1' }], name: 'Ada', ...cells }]);
    const stored = async () => (await tenant.stored())[0]!;

    await tenant.importFile(row({}));
    expect((await stored()).lifecycleStageTime).toBeUndefined();
    await tenant.importFile(row({ stage: 'lead' }));
    const lead = await stored();
    expect(lead).toMatchObject({ lifecycleStage: LEAD, lifecycleStageTime: lead.updateTime });
    await tenant.importFile(row({ 'job title': 'Analyst' }));
    expect((await stored()).lifecycleStageTime).toBe(lead.lifecycleStageTime);

    const moved = await customers.update(caller, lead.id, { lifecycleStage: CUSTOMER });
    expect(moved.lifecycleStageTime).toBe(moved.updateTime);
    const cleared = await customers.update(caller, lead.id, { lifecycleStage: UNSPECIFIED });
    expect(cleared.lifecycleStageTime).toBeUndefined();

    await tenant.importFile(rowsOf([{ name: 'Bob', stage: 'former customer' }]));
    const bob = (await tenant.stored()).find(({ displayName }) => displayName === 'Bob');
    expect(bob).toMatchObject({ lifecycleStage: FORMER_CUSTOMER, lifecycleStageTime: bob?.createTime });
  } finally {
    await tenant.close();
  }
});

test('an import omits an invalid stage, and applies the rest of the row', async () => {
  const tenant = await ImportTenant.create(customers);
  caller = tenant.caller;
  try {
    const externalIds = [{ system: 'erp', value: '1' }];
    const { id } = await customers.create(caller, person({ lifecycleStage: CUSTOMER, externalIds }));

    const answer = await tenant.importFile(
      rowsOf([{ externalIds, stage: 'lead', 'job title': 'Analyst', name: 'Ada' }]),
    );

    expect(answer).toMatchObject({ updated: 1, failed: 0 });
    expect(issues(answer)).toEqual([[1, 'LIFECYCLE_TRANSITION', 'lifecycleStage']]);
    expect(await customers.get(caller, id)).toMatchObject({ lifecycleStage: CUSTOMER, jobTitle: 'Analyst' });
  } finally {
    await tenant.close();
  }
});
