import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OperationTenant } from './operation-tenant.js';
import { RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;
let tenant: OperationTenant;

// A service of its own: it counts the watchers of a process.
beforeAll(async () => {
  customers = await RunningCustomers.start();
  tenant = await OperationTenant.create(customers);
});
afterAll(async () => {
  await tenant.close();
  await customers.stop();
});

test('at most a hundred watch at a time, and one that leaves frees a slot', async () => {
  const { id } = await tenant.createImport();
  const watch = () => {
    const call = tenant.watch(id);
    const { promise, resolve, reject } = Promise.withResolvers();
    call.on('data', resolve).on('error', reject);
    return { call, received: promise };
  };
  const watchers = Array.from({ length: 100 }, watch);
  await Promise.all(watchers.map(({ received }) => received));

  await expect(watch().received).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  watchers[0]?.call.cancel();
  await expect
    .poll(() => {
      const late = watch();
      watchers.push(late);
      return late.received.then(
        () => 'received',
        () => 'refused',
      );
    })
    .toBe('received');
  for (const { call } of watchers) call.cancel();
});
