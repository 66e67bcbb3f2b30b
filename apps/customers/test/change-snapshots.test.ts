import { afterAll, beforeAll, expect, test } from 'vitest';
import { snapshot } from './change-feeds.js';
import { addLongRecords } from './long-records.js';
import { newCaller, RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;

// A service of its own: it counts the snapshots of a process.
beforeAll(async () => {
  customers = await RunningCustomers.start();
});
afterAll(() => customers.stop());

test('a tenant reads one snapshot at a time, and four other tenants read theirs meanwhile', async () => {
  const callers = [newCaller(), newCaller(), newCaller(), newCaller()] as const;
  for (const caller of callers) await addLongRecords(customers, caller);
  const first = snapshot(customers, callers[0]);
  await first.next();

  const again = snapshot(customers, callers[0]).next();
  await expect(again).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'SNAPSHOT_RUNNING' });
  const others = callers.slice(1).map((caller) => snapshot(customers, caller));
  for (const other of others) await other.next();
  for (const each of [first, ...others]) await each.return();
}, 30_000);
