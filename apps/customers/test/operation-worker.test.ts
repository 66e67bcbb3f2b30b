import { Operation_State as State } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { newKeys } from './databases.js';
import { EncryptedTenant } from './encrypted-tenant.js';
import { OperationTenant, people } from './operation-tenant.js';
import { RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;
let tenant: OperationTenant;

// A service of its own: its worker polls only once an hour, so only signals wake it.
beforeAll(async () => {
  const times = { jobLookMs: 3_600_000, encryptionStalenessMs: 20 };
  customers = await RunningCustomers.start({ keys: await newKeys(), ...times });
});
afterAll(() => customers.stop());
beforeEach(async () => {
  tenant = await OperationTenant.create(customers);
  return () => tenant.close();
});

test('an import starts when its file is complete, and the next one of its tenant when it has ended', async () => {
  const operations = [await tenant.start(people(20)), await tenant.start(people(20)), await tenant.start(people(20))];

  for (const { id } of operations) {
    expect(await tenant.untilEnded(id)).toMatchObject({ state: State.SUCCEEDED });
  }
});

test('an import continues on resume, and is undone on request', async () => {
  const { id } = await tenant.run(`${people(3)}"not closed,`);

  await customers.call('resumeOperation', { id }, tenant.caller);
  expect(await tenant.untilEnded(id)).toMatchObject({ state: State.FAILED });
  expect(await tenant.undo(id)).toMatchObject({ state: State.UNDONE });
});

test('a tenant is encrypted on request', async () => {
  expect(await new EncryptedTenant(customers).encrypt()).toMatchObject({ state: State.SUCCEEDED });
});
