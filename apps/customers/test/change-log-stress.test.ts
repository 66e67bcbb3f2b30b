import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { Sequencer } from '../src/changes/sequencer.js';
import { changesOf, Requests, subscribe } from './change-feeds.js';
import { newDatabase } from './databases.js';
import { compare, runWriters, type Event } from './log-stress.js';
import { newCaller, RunningCustomers } from './running-customers.js';

const durationMs = 7_000;
const kills = 20;
const processes = 6;
const nothingWrong = { lost: 0, invented: 0, doubled: 0, outOfOrder: 0 };

test('24 writers with open transactions lose nothing, double nothing and keep the order of each record, though sequencers are killed 20 times and replaced', async () => {
  const customers = await RunningCustomers.start();
  const reading = new AbortController();
  const live = followed(customers, reading.signal);

  const [writers, killed] = await Promise.all([
    runWriters(customers.urls.appUrl, durationMs),
    killSequencers(customers.urls.ownerUrl),
    replaceSequencers(customers.urls.appUrl),
  ]);
  const changes = await changesOf(customers, { ...newCaller(), tenantId: writers.tenantId }, writers.committed.size);
  await live.reaches(writers.committed.size);
  reading.abort();
  await customers.stop();

  const logged = changes.map(({ recordId, version }) => `${recordId}/${version}`);
  expect(killed).toBeGreaterThanOrEqual(kills);
  expect(writers.committed.size).toBeGreaterThan(500);
  expect(compare(writers, logged)).toEqual(nothingWrong);
  expect(live.events).toEqual(logged);
}, 60_000);

test('the same writers show that reading an outbox by its sequence loses changes', async () => {
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
    while (!writing.isOver) {
      await readOn();
      await delay(2);
    }
  })();

  const writers = await runWriters(urls.appUrl, durationMs / 2);
  writing.isOver = true;
  await reading;
  await readOn();
  await owner.end();

  expect(compare(writers, read).lost).toBeGreaterThan(0);
}, 60_000);

/** Other processes of the service have sequencers too: one goes and knows nothing any more, and another one comes. */
async function replaceSequencers(appUrl: string): Promise<void> {
  for (let process = 0; process < processes; process += 1) {
    const sequencer = new Sequencer(appUrl, 30);
    sequencer.onApplicationBootstrap();
    await delay((durationMs / processes) * (0.5 + Math.random()));
    await sequencer.onApplicationShutdown();
  }
}

/** Ends the connections of sequencers and tails, wherever they are in their work. @returns how many of sequencers */
async function killSequencers(ownerUrl: string): Promise<number> {
  const url = new URL(inject('superuserUrl'));
  url.pathname = new URL(ownerUrl).pathname;
  const superuser = new pg.Client(url.href);
  await superuser.connect();
  let killed = 0;
  while (killed < kills) {
    await delay((durationMs / kills) * (0.5 + Math.random()));
    const { rows } = await superuser.query<{ name: string }>(
      `select application_name as name, pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name in ('rapport-sequencer', 'rapport-change-tail')
         and random() < 0.7`,
    );
    killed += rows.filter(({ name }) => name === 'rapport-sequencer').length;
  }
  await superuser.end();
  return killed;
}

/** What a subscriber gets meanwhile. */
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
