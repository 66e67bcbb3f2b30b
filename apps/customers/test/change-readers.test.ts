import { ChangeFeedServiceService as Methods } from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import { AppError, metrics, type Caller } from '@rapport/platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Requests, subscribe } from './change-feeds.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';

const mostOfTenant = 200;

let customers: RunningCustomers;
/** Readers of other tests in this process. */
let others = 0;

beforeAll(async () => {
  customers = await RunningCustomers.start();
  others = await readers();
});
afterAll(() => customers.stop());

/** Number of waiting readers of tenants in the service. */
async function readers(): Promise<number> {
  const metric = await metrics.getSingleMetric('rapport_change_readers')?.get();
  return (metric?.values[0]?.value ?? Number.NaN) - others;
}

/** A long poll, asked again when a burst of them takes all connections of its tenant for a second: the answer asks for that. */
async function poll(caller: Caller, signal: AbortSignal): Promise<unknown> {
  const message = { types: [], fields: [], waitSeconds: 30 };
  for (;;) {
    const options = { context: customers.outgoing(caller), deadlineMs: 40_000, signal };
    try {
      return await customers.streams.unary(Methods.listChanges.path, message, options);
    } catch (error) {
      if (!(error instanceof AppError) || error.reason !== 'TOO_MANY_CONCURRENT') throw error;
    }
  }
}

test('a long poll ends with its caller', async () => {
  const gone = new AbortController();
  const polls = Promise.allSettled(Array.from({ length: 50 }, () => poll(newCaller(), gone.signal)));
  await expect.poll(readers).toBe(50);

  gone.abort();

  // Each of them would wait for 30 s.
  await expect.poll(readers, { timeout: 10_000 }).toBe(0);
  await polls;
});

test('a tenant that uses all of its slots takes none from another tenant or from the platform', async () => {
  const [hostile, calm] = [newCaller(), newCaller()];
  const gone = new AbortController();
  const polls = Promise.allSettled(Array.from({ length: mostOfTenant }, () => poll(hostile, gone.signal)));
  await expect.poll(readers).toBe(mostOfTenant);

  await expect(poll(hostile, gone.signal)).rejects.toMatchObject({ reason: 'TOO_MANY_READERS', retryAfterSeconds: 10 });
  const subscription = subscribe(customers, new Requests({ credit: 10 }));
  const waiting = poll(calm, gone.signal);
  await expect.poll(readers).toBe(mostOfTenant + 1);
  expect((await subscription.next()).done).toBe(false);
  const { id } = await customers.create(calm, person());

  expect(await waiting).toMatchObject({ changes: [{ recordId: id }] });
  await subscription.return();
  gone.abort();
  await polls;
  await expect.poll(readers, { timeout: 10_000 }).toBe(0);
});
