import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError, type Caller } from '@rapport/platform';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { DatabasePair } from './database-pair.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';

const promotions = sizeOf('PROMOTIONS', { short: 1, long: 10 });
const tenants = 5;
const writersOfEach = sizeOf('PROMOTION_WRITERS', { short: 2, long: 10 });
const readersOfEach = sizeOf('PROMOTION_READERS', { short: 2, long: 4 });
/** A pause of a writer between two writes, in milliseconds. */
const pauseMs = 20;

let folder: string;
let pair: DatabasePair;
let customers: RunningCustomers;

// A pair of servers of its own, of which it kills the primary.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-promotion-'));
  pair = await DatabasePair.start(folder);
  customers = await RunningCustomers.start({ databases: pair.urls });
}, 120_000);
afterAll(async () => {
  await customers.stop();
  await pair.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Errors of calls that were repeated, by their codes. */
const failures = new Map<string, number>();

/** Repeats a call until it succeeds, as a client does. */
async function repeated<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const { code, reason } = error as AppError;
      failures.set(`${code} ${reason}`, (failures.get(`${code} ${reason}`) ?? 0) + 1);
      if (code === 'INTERNAL' || reason === 'CURSOR_EXPIRED' || !(error instanceof AppError)) throw error;
      // As a client that backs off.
      await delay(50);
    }
  }
}

test(
  'no acknowledged write is lost or doubled by a promotion, and every reader of the feed goes on',
  { timeout: soakTimeoutMs },
  async () => {
    const random = new SeedRandom(printedSeed('promotion'));
    const callers = Array.from({ length: tenants }, newCaller);
    const acknowledged = new Map(callers.map((caller) => [caller, [] as string[]]));
    const work = { isOver: false, isWritten: false };

    const writing = callers.flatMap((caller) =>
      Array.from({ length: writersOfEach }, async () => {
        while (!work.isOver) {
          const key = crypto.randomUUID();
          const { id } = await repeated(() => customers.create(caller, person(), key));
          acknowledged.get(caller)?.push(id);
          // The test is of promotions, not of throughput.
          await delay(pauseMs);
        }
      }),
    );
    const reading = callers.flatMap((caller) =>
      Array.from({ length: readersOfEach }, () => readAll(caller, () => work.isWritten && acknowledged.get(caller))),
    );
    const writes = () => [...acknowledged.values()].reduce((sum, ids) => sum + ids.length, 0);
    for (let promotion = 1; promotion <= promotions; promotion += 1) {
      const before = writes();
      await vi.waitUntil(() => writes() > before + 20 + random.below(200), { timeout: 60_000 });
      await pair.failOver();
      const after = writes();
      await vi.waitUntil(() => writes() > after + tenants * writersOfEach, { timeout: 30_000 });
    }
    work.isOver = true;
    await Promise.all(writing);
    work.isWritten = true;
    const read = await Promise.all(reading);

    for (const [index, caller] of callers.entries()) {
      const ids = acknowledged.get(caller) ?? [];
      const own = read.slice(index * readersOfEach, (index + 1) * readersOfEach);
      for (const changes of own) {
        expect(changes.toSorted()).toEqual(ids.toSorted());
        expect(changes).toEqual(own[0]);
      }
    }
    expect([...failures.keys()].filter((code) => code.startsWith('INTERNAL'))).toEqual([]);
    printTally('promotion', {
      ...{ promotions, writers: tenants * writersOfEach, readers: read.length, acknowledged: writes() },
      ...Object.fromEntries(failures),
    });
  },
);

/** The ids of all created customers, in the order of the feed, until those that were acknowledged at the end are read. */
async function readAll(caller: Caller, ended: () => false | readonly string[] | undefined): Promise<string[]> {
  const read: string[] = [];
  let cursor: string | undefined;
  for (;;) {
    const request = { cursor, waitSeconds: 1, pageSize: 1_000 };
    const page = await repeated(() => customers.call('listChanges', request, caller));
    read.push(...page.changes.map(({ recordId }) => recordId));
    cursor = page.nextCursor;
    const all = ended();
    if (all && read.length >= all.length) return read;
  }
}
