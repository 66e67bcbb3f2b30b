import { afterAll, beforeAll, expect, test } from 'vitest';
import { newCaller, person, RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;

beforeAll(async () => {
  customers = await RunningCustomers.start();
});
afterAll(() => customers.stop());

test.each(['OWN', 'TEAM'] as const)('who may see the records of the scope %s only sees none', async (recordScope) => {
  const caller = newCaller();
  const { id } = await customers.create({ ...caller, recordScope: 'ALL' }, person());

  const call = customers.call('getCustomer', { id }, { ...caller, recordScope, teamIds: [] });

  await expect(call).rejects.toMatchObject({ code: 'PERMISSION_DENIED', reason: 'RECORD_SCOPE_UNSUPPORTED' });
});
