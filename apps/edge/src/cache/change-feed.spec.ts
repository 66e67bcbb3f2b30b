import { setImmediate as turn } from 'node:timers/promises';
import { AppError } from '@rapport/platform';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { InvalidationSources } from './answer-store.js';
import { ChangeFeed, Credit } from './change-feed.js';

interface Script {
  cursor: string;
  changes?: { tenantId: string; type: string; recordId: string }[];
  /** How long nothing comes after it, in milliseconds. */
  silenceMs?: number;
}

const allTenants = '00000000-0000-0000-0000-000000000000';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/**
 * Follows a log that gives these messages, one stream after the other, and then is silent; an error ends its stream. What it
 * does is in `log`.
 */
async function follow(...streams: (Script | AppError)[][]) {
  const log: string[] = [];
  const done = Promise.withResolvers<void>();
  const sources = new InvalidationSources(undefined, ['ores']);
  const client = {
    async *duplex(_path: string, requests: AsyncIterable<unknown>, { signal }: { signal?: AbortSignal }) {
      const asked = requests[Symbol.asyncIterator]() as AsyncIterator<{ cursor?: string; credit: number }, undefined>;
      log.push(`from ${(await asked.next()).value?.cursor ?? 'now'}`);
      void asked.next().then(({ value }) => log.push(`credit ${value?.credit}`));
      // The previous stream ended long ago.
      vi.advanceTimersByTime(4_000);
      const messages = streams.shift() ?? [];
      for (const message of messages) {
        if (message instanceof AppError) throw message;
        const { cursor, changes = [], silenceMs = 0 } = message;
        yield { cursor, changes };
        log.push(sources.silent('ores') ?? 'fresh');
        vi.advanceTimersByTime(silenceMs);
      }
      if (streams.length > 0) return;
      // The credit that it requests now has arrived.
      await turn();
      done.resolve();
      await new Promise((resolve) => signal?.addEventListener('abort', resolve));
    },
  };
  const target = {
    invalidate: async (tags: readonly string[]) => void log.push(`invalidate ${tags.join(' ')}`),
    invalidateAll: async () => void log.push('invalidate all'),
    markCurrent: () => sources.markCurrent('ores'),
  };
  const feed = new ChangeFeed('/path', client, target, pino({ level: 'silent' }));
  await done.promise;
  await feed.close();
  return log;
}

it('invalidates everything at its start, and then the records of each change', async () => {
  const changes = [{ tenantId: 't', type: 'ore', recordId: '1' }];
  expect(await follow([{ cursor: 'a' }, { cursor: 'b', changes }])).toEqual([
    'from now',
    'invalidate all',
    'fresh',
    'invalidate t/ore t/ore:1',
    'fresh',
  ]);
});

it('invalidates everything for a gap of all tenants', async () => {
  const changes = [{ tenantId: allTenants, type: 'ore', recordId: '' }];
  const log = await follow([{ cursor: 'a' }, { cursor: 'b', changes }]);
  expect(log.slice(3)).toEqual(['invalidate all', 'fresh']);
});

it('invalidates the records of a batch and no other record of their type, and returns that much credit', async () => {
  const changes = Array.from({ length: 5_000 }, (_, n) => ({ tenantId: 't', type: 'ore', recordId: String(n) }));
  const log = await follow([{ cursor: 'a' }, { cursor: 'b', changes }]);
  const records = changes.map(({ recordId }) => `t/ore:${recordId}`);
  expect(log.slice(3)).toEqual([`invalidate t/ore ${records.join(' ')}`, 'fresh', 'credit 5000']);
});

it('invalidates the whole type for a gap of one tenant', async () => {
  const changes = [{ tenantId: 't', type: 'ore', recordId: '' }];
  const log = await follow([{ cursor: 'a' }, { cursor: 'b', changes }]);
  expect(log.slice(3)).toEqual(['invalidate t/ore t/ore*', 'fresh']);
});

it('invalidates everything and restarts when the log no longer has the changes after its cursor', async () => {
  const expired = new AppError(
    'FAILED_PRECONDITION',
    'CURSOR_EXPIRED',
    'Changes after this cursor are no longer kept.',
  );
  const log = await follow([{ cursor: 'a' }, expired], [{ cursor: 'b' }]);
  expect(log.slice(3)).toEqual(['from now', 'invalidate all', 'fresh']);
});

it('invalidates everything and restarts after more than a minute of silence', async () => {
  const log = await follow([{ cursor: 'a', silenceMs: 60_001 }], [{ cursor: 'b' }]);
  expect(log.slice(3)).toEqual(['from now', 'invalidate all', 'fresh']);
});

it('counts as silent until it received more than the cursor where it resumes', async () => {
  const log = await follow([{ cursor: 'a' }], [{ cursor: 'a' }, { cursor: 'b' }]);
  expect(log.slice(3)).toEqual(['from a', 'feed', 'fresh']);
});

it('reconnects when no more messages arrive, as from a dead server', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  const { promise: askedAgain, resolve } = Promise.withResolvers<void>();
  const begun: string[] = [];
  const client = {
    async *duplex(_path: string, requests: AsyncIterable<unknown>, { signal }: { signal?: AbortSignal }) {
      const asked = requests[Symbol.asyncIterator]() as AsyncIterator<{ cursor?: string }, undefined>;
      begun.push((await asked.next()).value?.cursor ?? 'now');
      yield { cursor: 'a', changes: [] };
      if (begun.length > 1) resolve();
      await new Promise((ended) => signal?.addEventListener('abort', ended));
    },
  };
  const sources = new InvalidationSources(undefined, ['ores']);
  const target = {
    invalidate: async () => undefined,
    invalidateAll: async () => undefined,
    markCurrent: () => sources.markCurrent('ores'),
  };
  const feed = new ChangeFeed('/path', client, target, pino({ level: 'silent' }));
  await vi.waitUntil(() => sources.silent('ores') === undefined);

  await vi.advanceTimersByTimeAsync(9_000);
  expect(begun).toEqual(['now']);
  await vi.advanceTimersByTimeAsync(1_000);

  await askedAgain;
  expect(begun).toEqual(['now', 'a']);
  await feed.close();
});

it('credit is returned once half of it is used: as much as was used since', async () => {
  const credit = new Credit({ credit: 10 }, (amount) => ({ credit: amount }));
  const requests = credit.requests();
  expect(await requests.next()).toEqual({ done: false, value: { credit: 10 } });

  for (let time = 0; time < 2; time += 1) {
    let isGiven = false;
    const request = requests.next().finally(() => (isGiven = true));
    credit.give(4);
    await turn();
    expect(isGiven).toBe(false);
    credit.give(1);
    expect(await request).toEqual({ done: false, value: { credit: 5 } });
  }
});
