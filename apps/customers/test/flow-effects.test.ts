import { CustomersServiceService } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { changesOf } from './change-feeds.js';
import { customerOf, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

/** Creates a customer as the step of a run does. */
async function createAsStep(caller: Caller, runId: string, requestId: string, hop = 1): Promise<Customer> {
  const context = { ...customers.outgoing(caller), cause: { origin: 'flow', causationId: runId, hop } };
  const request = { customer: customerOf(person()), requestId };
  const options = { context, deadlineMs: 20_000 };
  return (await customers.streams.unary(CustomersServiceService.createCustomer.path, request, options)) as Customer;
}

test('the effect of a step happens once, however old it is, and the log says which run caused it', async () => {
  const [caller, runId] = [newCaller(), v7()];
  const first = await createAsStep(caller, runId, `${runId}:steps/0`);
  const database = await customers.connectAsSuperuser();
  await database.query(
    `update idempotency_key set create_time = create_time - interval '90 days' where tenant_id = $1`,
    [caller.tenantId],
  );
  await database.end();
  // Writes clear expired keys.
  await customers.create(caller, person(), 'another');

  const again = await createAsStep(caller, runId, `${runId}:steps/0`);

  expect(again).toEqual(first);
  const [change] = await changesOf(customers, caller, 2);
  expect(change).toMatchObject({ recordId: first.id, origin: 'flow', causationId: runId, hop: 1 });
});

test('an outside caller with the effect key of a run neither gets its answer nor takes its place', async () => {
  const [caller, runId] = [newCaller(), v7()];
  const key = `${runId}:steps/0`;
  const before = await customers.create(caller, person({ displayName: 'Mine' }), key);
  const effect = await createAsStep(caller, runId, key);

  expect(effect.id).not.toBe(before.id);
  await expect(customers.create(caller, person(), key)).rejects.toMatchObject({ reason: 'IDEMPOTENCY_KEY_REUSED' });
  expect(await createAsStep(caller, runId, key)).toEqual(effect);
});

test('an effect whose answer was erased does not happen again', async () => {
  const [caller, runId] = [newCaller(), v7()];
  const { id } = await createAsStep(caller, runId, 'one');
  await customers.call('eraseCustomer', { id, erasure: { reason: 'case 4711' } }, caller);

  await expect(createAsStep(caller, runId, 'one')).rejects.toMatchObject({ reason: 'IDEMPOTENCY_ANSWER_ERASED' });
});

test('only sync can release effects', async () => {
  const [caller, runId] = [newCaller(), v7()];
  const request = { tenantId: caller.tenantId, runIds: [runId] };
  const effect = await createAsStep(caller, runId, 'one');
  // The service takes its caller for the edge.
  await expect(customers.call('releaseFlowEffects', request, caller)).rejects.toMatchObject({
    reason: 'PERMISSION_MISSING',
  });
  expect(await createAsStep(caller, runId, 'one')).toEqual(effect);
});
