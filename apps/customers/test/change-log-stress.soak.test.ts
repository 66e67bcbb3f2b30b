import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import pg from 'pg';
import { expect, inject, test, vi } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { Sequencer } from '../src/engine/changes/log/sequencer.js';
import { changesOf, Requests, subscribe } from './change-feeds.js';
import { newDatabase } from './databases.js';
import { compare, newWriters, runWriters, writerCount, type Event, type Writers } from './log-stress.js';
import { newCaller, RunningCustomers } from './running-customers.js';

const stress = {
  transactions: sizeOf('LOG_STRESS_TRANSACTIONS', { short: 10, long: 500 }),
  longestMs: sizeOf('LOG_STRESS_OPEN_MS', { short: 150, long: 500 }),
  random: new SeedRandom(printedSeed('change-log-stress')),
};
const kills = sizeOf('LOG_STRESS_KILLS', { short: 8, long: 300 });
const processes = sizeOf('LOG_STRESS_PROCESSES', { short: 3, long: 60 });
/** Minimum number of committed changes. */
const expected = (stress.transactions * writerCount) / 2;
const nothingWrong = { lost: 0, invented: 0, doubled: 0, outOfOrder: 0 };

test(
  `with 24 writers and ${kills} kills of sequencers, no change is lost, repeated or reordered within a record`,
  { timeout: soakTimeoutMs },
  async () => {
    // A service of its own: its sequencer and its tail are killed.
    const customers = await RunningCustomers.start();
    const reading = new AbortController();
    const live = followed(customers, reading.signal);
    const writers = newWriters();

    await Promise.all([
      runWriters(customers.urls.appUrl, writers, stress),
      killSequencers(customers, writers),
      replaceSequencers(customers.urls.appUrl, writers),
    ]);
    const changes = await changesOf(customers, { ...newCaller(), tenantId: writers.tenantId }, writers.committed.size);
    await live.reaches(writers.committed.size);
    reading.abort();
    await customers.stop();

    const logged = changes.map(({ recordId, version }) => `${recordId}/${version}`);
    printTally('change-log-stress', { committed: writers.committed.size, kills, replacements: processes });
    expect(writers.committed.size).toBeGreaterThan(expected);
    expect(compare(writers, logged)).toEqual(nothingWrong);
    expect(live.events).toEqual(logged);
  },
);

test(
  'the same writers prove that reading an outbox by its sequence loses changes',
  { timeout: soakTimeoutMs },
  async () => {
    const urls = await newDatabase();
    const owner = new pg.Client(urls.ownerUrl);
    await owner.connect();
    const read: Event[] = [];
    let last = '0';
    const readOn = async () => {
      const { rows } = await owner.query<{ sequence: string; event: Event }>(
        `select sequence, record_id || '/' || version as event from outbox where sequence > $1 order by sequence`,
        [last],
      );
      read.push(...rows.map(({ event }) => event));
      last = rows.at(-1)?.sequence ?? last;
    };
    const writing = { isOver: false };
    const reading = (async () => {
      while (!writing.isOver) await readOn();
    })();

    const writers = newWriters();
    await runWriters(urls.appUrl, writers, stress);
    writing.isOver = true;
    await reading;
    await readOn();
    await owner.end();

    const { lost } = compare(writers, read);
    printTally('reading an outbox by its sequence', { committed: writers.committed.size, lost });
    expect(lost).toBeGreaterThan(0);
  },
);

/** Resolves when this share of the changes is committed. */
async function untilCommitted(writers: Writers, part: number): Promise<void> {
  const isThere = () => writers.committed.size >= expected * part;
  await vi.waitUntil(isThere, { timeout: soakTimeoutMs, interval: 5 });
}

/** Stands for another process of the service: its sequencer loses all state, and a new one starts. */
async function replaceSequencers(appUrl: string, writers: Writers): Promise<void> {
  for (let process = 0; process < processes; process += 1) {
    const sequencer = new Sequencer(appUrl, { days: 30 });
    sequencer.onApplicationBootstrap();
    await untilCommitted(writers, (process + stress.random.next()) / processes);
    await sequencer.onApplicationShutdown();
  }
}

/** Ends the connections of sequencers and tails at random points, while writers commit. */
async function killSequencers({ urls }: RunningCustomers, writers: Writers): Promise<void> {
  const url = new URL(inject('superuserUrl'));
  url.pathname = new URL(urls.ownerUrl).pathname;
  const superuser = new pg.Client(url.href);
  await superuser.connect();
  for (let killed = 0; killed < kills;) {
    await untilCommitted(writers, (killed + stress.random.next()) / kills);
    const { rows } = await superuser.query<{ name: string }>(
      `select application_name as name, pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name in ('rapport-sequencer', 'rapport-change-tail')
         and random() < 0.7`,
    );
    if (rows.some(({ name }) => name === 'rapport-sequencer')) killed += 1;
  }
  await superuser.end();
}

/** The changes that a subscriber gets meanwhile. */
function followed(customers: RunningCustomers, signal: AbortSignal) {
  const events: Event[] = [];
  const requests = new Requests({ credit: 100_000 });
  let grown = (): void => undefined;
  const following = (async () => {
    for await (const { changes } of subscribe(customers, requests, signal)) {
      events.push(...changes.map(({ recordId, version }) => `${recordId}/${version}`));
      grown();
    }
  })();
  following.catch(() => undefined);
  return {
    events,
    reaches: async (count: number) => {
      while (events.length < count) await new Promise<void>((resolve) => (grown = resolve));
    },
  };
}
