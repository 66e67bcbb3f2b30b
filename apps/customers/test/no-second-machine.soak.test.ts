import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CustomersServiceService as Methods } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { metrics, type AppError, type Caller } from '@rapport/platform';
import { printTally, queryDatabase, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { DatabasePair } from './database-pair.js';
import { customerOf, newCaller, person, RunningCustomers } from './running-customers.js';

const outages = sizeOf('OUTAGES', { short: 1, long: 10 });
const tenants = 5;
const writersOfEach = sizeOf('OUTAGE_WRITERS', { short: 4, long: 10 });
/** Writers whose clients leave long before the database gives up. */
const leaversOfEach = sizeOf('OUTAGE_LEAVERS', { short: 2, long: 4 });
const patienceMs = 700;
const readersOfEach = sizeOf('OUTAGE_READERS', { short: 1, long: 4 });
/** A pause of a client between two reads, after a refusal, and between two new connections, in milliseconds. */
const pauseMs = 400;
/** The service's own is 10 s. Reads have it too, and take a second or two on a machine that does other things. */
const queryTimeoutMs = sizeOf('OUTAGE_QUERY_TIMEOUT_MS', { short: 5_000, long: 10_000 });
/**
 * Connections that the server grants to the role of the service: its pool; one that asks for waiting commits; the change
 * log's two; two more while the sequencer, which has only one at a time, waits for its former self; a newcomer, and its
 * predecessor.
 */
const connectionLimit = 20 + 1 + 2 + 2 + 2;
/** Errors that a client may receive meanwhile. It tries again after each. */
const expected = [
  'UNAVAILABLE DATABASE_UNAVAILABLE',
  'RESOURCE_EXHAUSTED TOO_MANY_CONCURRENT',
  // The commit of an earlier attempt still waits.
  'ABORTED IDEMPOTENCY_KEY_IN_USE',
];
/** What a client gets that leaves. */
const left = 'DEADLINE_EXCEEDED DEADLINE_EXCEEDED';

let folder: string;
let pair: DatabasePair;
let customers: RunningCustomers;

// A pair of servers of its own, one of which it stops.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-outage-'));
  pair = await DatabasePair.start(folder);
  const role = new URL(pair.urls.appUrl).username;
  await queryDatabase(pair.superuserUrl, `alter role ${role} connection limit ${connectionLimit}`);
  const appUrl = `${pair.urls.appUrl}?query_timeout=${queryTimeoutMs}`;
  customers = await RunningCustomers.start({ databases: { ...pair.urls, appUrl } });
}, 120_000);
afterAll(async () => {
  await customers.stop();
  await pair.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Work {
  isOver: boolean;
  /** Number of the current outage; 0 while the standby runs. */
  outage: number;
  acknowledged: { caller: Caller; id: string }[];
  /** Outages in which a write both began and was acknowledged. */
  alone: number[];
  refused: Map<string, number>;
  reads: number;
  /** Connections of the service, and of a newcomer. */
  mostConnections: number;
}

type Send = (caller: Caller, key: string) => Promise<Customer>;

const patient: Send = (caller, key) => customers.create(caller, person(), key);

const leaving: Send = (caller, requestId) => {
  const request = { customer: customerOf(person()), requestId };
  const options = { deadlineMs: patienceMs, context: customers.outgoing(caller) };
  return customers.streams.unary(Methods.createCustomer.path, request, options) as Promise<Customer>;
};

test(
  'without a second machine reads go on, and no write is acknowledged that this machine alone has',
  { timeout: soakTimeoutMs },
  async () => {
    const work: Work = {
      ...{ isOver: false, outage: 0, acknowledged: [], alone: [], refused: new Map(), reads: 0, mostConnections: 0 },
    };
    const callers = Array.from({ length: tenants }, newCaller);
    const seen = await Promise.all(callers.map((caller) => customers.create(caller, person())));
    const all = callers.flatMap((caller, index) => [
      ...Array.from({ length: writersOfEach }, () => write(caller, work, patient)),
      ...Array.from({ length: leaversOfEach }, () => write(caller, work, leaving)),
      ...Array.from({ length: readersOfEach }, () => read(caller, seen[index]?.id ?? '', work)),
    ]);
    all.push(connectAgainAndAgain(work));
    const writers = tenants * writersOfEach;
    const refusals = () => [...work.refused.values()].reduce((sum, count) => sum + count, 0);
    const written = (count: number) => {
      const wanted = work.acknowledged.length + count;
      return Promise.race([
        failureOf(all),
        vi.waitUntil(() => work.acknowledged.length >= wanted, { timeout: 60_000 }),
      ]);
    };

    let readsAlone = 0;
    for (let outage = 1; outage <= outages; outage += 1) {
      await written(writers);
      await pair.stopStandby();
      work.outage = outage;
      const [reads, refused, began] = [work.reads, refusals(), performance.now()];
      const readsOfOutage = 10 * tenants * readersOfEach;
      // Longer than two commits one after the other: more of them than there are connections for writes.
      const isLong = () =>
        performance.now() - began > 2.5 * queryTimeoutMs &&
        refusals() > refused + 2 * writers &&
        work.reads > reads + readsOfOutage;
      await Promise.race([
        failureOf(all),
        vi.waitUntil(() => isLong() && work.refused.has('UNAVAILABLE DATABASE_UNAVAILABLE'), { timeout: 60_000 }),
      ]);
      readsAlone += work.reads - reads;
      work.outage = 0;
      await pair.startStandby();
      await written(writers);
    }
    work.isOver = true;
    await Promise.all(all);
    await pair.failOver();

    expect(work.alone).toEqual([]);
    expect(readsAlone).toBeGreaterThan(10 * outages * tenants * readersOfEach);
    for (const caller of callers) {
      const ids = work.acknowledged.filter((one) => one.caller === caller).map(({ id }) => id);
      expect(await missingOf(caller, ids)).toEqual([]);
    }
    const { acknowledged } = work;
    printTally('no-second-machine', {
      ...{ outages, writers, leavers: tenants * leaversOfEach, readers: tenants * readersOfEach },
      ...{ acknowledged: acknowledged.length, readsAlone, mostConnections: work.mostConnections },
      ...Object.fromEntries(work.refused),
    });
  },
);

test('a commit whose wait for a standby was cancelled is acknowledged to no attempt before a standby has it', async () => {
  const [caller, key] = [newCaller(), crypto.randomUUID()];
  await customers.create(caller, person(), crypto.randomUUID());
  const unreplicated = await unreplicatedCommits();
  await pair.stopStandby();

  const first = reasonOf(customers.create(caller, person({ displayName: 'Grace Hopper' }), key));
  // This machine has it then, and only this one.
  const isVisible = async () => {
    await cancelWaits();
    return (await customers.names(caller, {})).includes('Grace Hopper');
  };
  await vi.waitUntil(isVisible, { timeout: 60_000, interval: 50 });
  expect(await first).toBe('DATABASE_UNAVAILABLE');
  expect(await unreplicatedCommits()).toBeGreaterThan(unreplicated);
  expect(await reasonOf(customers.create(caller, person({ displayName: 'Grace Hopper' }), key))).toMatch(
    /^(DATABASE_UNAVAILABLE|IDEMPOTENCY_KEY_IN_USE)$/,
  );

  await pair.startStandby();
  const again = () => customers.create(caller, person({ displayName: 'Grace Hopper' }), key);
  const { id } = await vi.waitFor(again, { timeout: 60_000, interval: 100 });
  await pair.failOver();
  expect(await missingOf(caller, [id])).toEqual([]);
}, 300_000);

/** Cancels the commits of calls that wait for a standby, as an operator would. */
async function cancelWaits(): Promise<void> {
  await queryDatabase(
    pair.superuserUrl,
    `select pg_cancel_backend(pid) from pg_stat_activity
     where wait_event = 'SyncRep' and application_name <> 'rapport-sequencer'`,
  );
}

function reasonOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'acknowledged',
    (error: AppError) => error.reason,
  );
}

async function unreplicatedCommits(): Promise<number> {
  const values = (await metrics.getSingleMetric('rapport_unreplicated_commits_total')?.get())?.values ?? [];
  return values.reduce((sum, { value }) => sum + value, 0);
}

/** Writes with keys, as a client that tries again. */
async function write(caller: Caller, work: Work, send: Send): Promise<void> {
  while (!work.isOver) {
    const key = crypto.randomUUID();
    for (;;) {
      const { outage } = work;
      try {
        const { id } = await send(caller, key);
        if (outage > 0 && work.outage === outage) work.alone.push(outage);
        work.acknowledged.push({ caller, id });
        break;
      } catch (error) {
        const { code, reason } = error as AppError;
        const kind = `${code} ${reason}`;
        if (!expected.includes(kind) && !(send === leaving && kind === left)) throw error;
        work.refused.set(kind, (work.refused.get(kind) ?? 0) + 1);
        // Paces the load.
        await delay(pauseMs);
      }
    }
  }
}

/** Reads one customer and a list again and again. No read may fail. */
async function read(caller: Caller, id: string, work: Work): Promise<void> {
  while (!work.isOver) {
    await customers.call('getCustomer', { id }, caller);
    await customers.names(caller, { pageSize: 5 });
    work.reads += 2;
    // Paces the load.
    await delay(pauseMs);
  }
}

/** Opens new connections, as a process that starts. None may be refused. */
async function connectAgainAndAgain(work: Work): Promise<void> {
  while (!work.isOver) {
    const sql = 'select count(*)::int from pg_stat_activity where usename = current_user';
    const [row] = await queryDatabase<{ count: number }>(pair.urls.appUrl, sql);
    work.mostConnections = Math.max(work.mostConnections, row?.count ?? 0);
    // Paces the load.
    await delay(pauseMs);
  }
}

async function missingOf(caller: Caller, ids: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (let start = 0; start < ids.length; start += 100) {
    const request = { ids: ids.slice(start, start + 100) };
    const ask = () => customers.call('batchGetCustomers', request, caller);
    // The connections to the former primary end with the first calls.
    const answer = await vi.waitFor(ask, { timeout: 30_000, interval: 100 });
    missing.push(...answer.missingIds);
  }
  return missing;
}

/** Rejects when one of the workers fails, and is pending otherwise. */
function failureOf(all: readonly Promise<void>[]): Promise<never> {
  return new Promise((_, reject) => {
    for (const one of all) one.catch(reject);
  });
}
