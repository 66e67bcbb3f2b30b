import { CustomersServiceService as Methods } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { customerOf, newCaller, person, RunningCustomers } from './running-customers.js';

const caller = newCaller();
let customers: RunningCustomers;
let superuser: pg.Client;
/** In no transaction, which would see the activity as of its start. */
let observer: pg.Client;

// A service of its own: it locks the table of customers, and counts the statements of the whole database.
beforeAll(async () => {
  customers = await RunningCustomers.start();
  superuser = await customers.connectAsSuperuser();
  observer = await customers.connectAsSuperuser();
  await customers.create(caller, person());
});
afterEach(() => superuser.query('rollback'));
afterAll(async () => {
  await superuser.end();
  await observer.end();
  await customers.stop();
});

/** Blocks every statement that reads or writes customers. */
async function holdUp(): Promise<void> {
  await superuser.query('begin; lock table customer in access exclusive mode');
}

/** Number of blocked statements that the database runs. */
async function held(): Promise<number> {
  const { rows } = await observer.query<{ count: number }>(
    `select count(*)::int from pg_stat_activity
     where datname = current_database() and state = 'active' and wait_event_type = 'Lock'`,
  );
  return rows[0]?.count ?? 0;
}

/** Less than the 8 s after which the database ends any statement. */
const noneIsHeld = () => expect.poll(held, { timeout: 4_000 }).toBe(0);

const calls = [
  // Quick reads of several calls share a connection.
  ['a read', Methods.listCustomers.path, { pageSize: 10 }, 1],
  ['a long read', Methods.listCustomers.path, { pageSize: 200 }, 5],
  ['a write', Methods.createCustomer.path, { customer: customerOf(person()) }, 5],
] as const;

function send(path: string, request: object, options: { deadlineMs: number; signal?: AbortSignal }): Promise<unknown> {
  const known = Object.values(Methods).find((method) => method.path === path);
  const empty = known?.requestDeserialize(Buffer.alloc(0)) as object;
  const requestId = crypto.randomUUID();
  const message = { ...empty, ...request, ...(path === Methods.createCustomer.path && { requestId }) };
  return customers.streams.unary(path, message, { ...options, context: customers.outgoing(caller) });
}

/** A call that is blocked before its deadline: on a busy machine a short deadline may pass earlier. */
async function heldWithDeadline(call: (deadlineMs: number) => Promise<unknown>): Promise<() => Promise<unknown>> {
  for (let deadlineMs = 250; ; deadlineMs *= 2) {
    let isAnswered = false;
    const answer = call(deadlineMs).finally(() => (isAnswered = true));
    answer.catch(() => undefined);
    while (!isAnswered) if ((await held()) > 0) return () => answer;
  }
}

test.each(calls)('a cancelled %s leaves no statement running', async (_, path, request, least) => {
  await holdUp();
  const gone = new AbortController();
  const send5 = Array.from({ length: 5 }, () => send(path, request, { deadlineMs: 60_000, signal: gone.signal }));
  const answers = Promise.allSettled(send5);
  await expect.poll(held).toBeGreaterThanOrEqual(least);

  gone.abort();

  await noneIsHeld();
  await answers;
});

test.each(calls)('%s beyond its deadline leaves no statement running', async (_, path, request) => {
  await holdUp();

  const late = await heldWithDeadline((deadlineMs) => send(path, request, { deadlineMs }));

  await expect(late()).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  await noneIsHeld();
});

test('an abandoned write never commits, and its connection is free again', async () => {
  await holdUp();
  const gone = new AbortController();
  const request = { customer: customerOf(person({ displayName: 'Abandoned' })) };
  const writes = Promise.allSettled(
    Array.from({ length: 30 }, () =>
      send(Methods.createCustomer.path, request, { deadlineMs: 60_000, signal: gone.signal }),
    ),
  );
  await expect.poll(held).toBeGreaterThan(0);
  gone.abort();
  await writes;
  await expect.poll(held).toBe(0);
  await superuser.query('rollback');

  await Promise.all(Array.from({ length: 30 }, () => customers.names(caller, {})));

  expect(await customers.names(caller, {})).not.toContain('Abandoned');
});
