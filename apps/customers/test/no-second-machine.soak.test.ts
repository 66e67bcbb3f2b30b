import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runMigrations } from '@rapport/persistence';
import type { AppError, Caller } from '@rapport/platform';
import { printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { entities, migrations } from '../src/database.js';
import { DatabasePair } from './database-pair.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';

const outages = sizeOf('OUTAGES', { short: 1, long: 10 });
const tenants = 5;
const writersOfEach = sizeOf('OUTAGE_WRITERS', { short: 6, long: 10 });
const readersOfEach = sizeOf('OUTAGE_READERS', { short: 2, long: 4 });
/** A pause of a reader between two reads, in milliseconds. */
const pauseMs = 20;
/** Errors that a client may receive meanwhile. It tries again after each. */
const expected = [
  'UNAVAILABLE DATABASE_UNAVAILABLE',
  'RESOURCE_EXHAUSTED TOO_MANY_CONCURRENT',
  // The commit of an earlier attempt still waits.
  'ABORTED IDEMPOTENCY_KEY_IN_USE',
];

let folder: string;
let pair: DatabasePair;
let customers: RunningCustomers;

// A pair of servers of its own, one of which it stops.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-outage-'));
  pair = await DatabasePair.start(folder, async ({ ownerUrl }) => {
    await runMigrations({ databaseUrl: ownerUrl, entities, migrations });
  });
  customers = await RunningCustomers.start({ databases: pair.urls });
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
}

test(
  'without a second machine reads go on, and no write is acknowledged that this machine alone has',
  { timeout: soakTimeoutMs },
  async () => {
    const work: Work = { isOver: false, outage: 0, acknowledged: [], alone: [], refused: new Map(), reads: 0 };
    const callers = Array.from({ length: tenants }, newCaller);
    const seen = await Promise.all(callers.map((caller) => customers.create(caller, person())));
    const all = callers.flatMap((caller, index) => [
      ...Array.from({ length: writersOfEach }, () => write(caller, work)),
      ...Array.from({ length: readersOfEach }, () => read(caller, seen[index]?.id ?? '', work)),
    ]);
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
      const [reads, refused] = [work.reads, refusals()];
      // Longer than a commit may take: more than one for each connection that writes can hold.
      await Promise.race([
        failureOf(all),
        vi.waitUntil(() => (work.refused.get(expected[0] ?? '') ?? 0) > 0 && refusals() > refused + 2 * writers, {
          timeout: 60_000,
        }),
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
      ...{ outages, writers, readers: tenants * readersOfEach, acknowledged: acknowledged.length, readsAlone },
      ...Object.fromEntries(work.refused),
    });
  },
);

/** Writes with keys, as a client that tries again. */
async function write(caller: Caller, work: Work): Promise<void> {
  while (!work.isOver) {
    const key = crypto.randomUUID();
    for (;;) {
      const { outage } = work;
      try {
        const { id } = await customers.create(caller, person(), key);
        if (outage > 0 && work.outage === outage) work.alone.push(outage);
        work.acknowledged.push({ caller, id });
        break;
      } catch (error) {
        const { code, reason } = error as AppError;
        const kind = `${code} ${reason}`;
        if (!expected.includes(kind)) throw error;
        work.refused.set(kind, (work.refused.get(kind) ?? 0) + 1);
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
