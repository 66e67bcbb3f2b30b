import { setImmediate as turn } from 'node:timers/promises';
import { AppError } from '@rapport/platform';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ChangeFeed } from './change-feed.js';

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
  const told = Promise.withResolvers<void>();
  const client = {
    async *duplex(_path: string, requests: AsyncIterable<unknown>, { signal }: { signal?: AbortSignal }) {
      const asked = requests[Symbol.asyncIterator]() as AsyncIterator<{ cursor?: string; credit: number }, undefined>;
      log.push(`from ${(await asked.next()).value?.cursor ?? 'now'}`);
      void asked.next().then(({ value }) => log.push(`credit ${value?.credit}`));
      // The stream before is long gone.
      vi.advanceTimersByTime(4_000);
      const messages = streams.shift() ?? [];
      for (const message of messages) {
        if (message instanceof AppError) throw message;
        const { cursor, changes = [], silenceMs = 0 } = message;
        yield { cursor, changes };
        log.push(feed.isFresh ? 'fresh' : 'not fresh');
        vi.advanceTimersByTime(silenceMs);
      }
      if (streams.length > 0) return;
      // What it asks for now has come.
      await turn();
      told.resolve();
      await new Promise((resolve) => signal?.addEventListener('abort', resolve));
    },
  };
  const target = {
    end: async (floors: readonly string[]) => void log.push(`end ${floors.join(' ')}`),
    endAll: async () => void log.push('end all'),
  };
  const feed = new ChangeFeed('/path', client, target, pino({ level: 'silent' }));
  await told.promise;
  await feed.close();
  return log;
}

it('ends everything when it begins, and what a change says', async () => {
  const changes = [{ tenantId: 't', type: 'ore', recordId: '1' }];
  expect(await follow([{ cursor: 'a' }, { cursor: 'b', changes }])).toEqual([
    'from now',
    'end all',
    'fresh',
    'end t/ore t/ore:1',
    'fresh',
  ]);
});

it('ends everything for a gap of all tenants', async () => {
  const changes = [{ tenantId: allTenants, type: 'ore', recordId: '' }];
  const log = await follow([{ cursor: 'a' }, { cursor: 'b', changes }]);
  expect(log.slice(3)).toEqual(['end all', 'fresh']);
});

it('ends what many changes at once name and no other record of their type, and asks for as many more', async () => {
  const changes = Array.from({ length: 5_000 }, (_, n) => ({ tenantId: 't', type: 'ore', recordId: String(n) }));
  const log = await follow([{ cursor: 'a' }, { cursor: 'b', changes }]);
  const records = changes.map(({ recordId }) => `t/ore:${recordId}`);
  expect(log.slice(3)).toEqual([`end t/ore ${records.join(' ')}`, 'fresh', 'credit 5000']);
});

it('ends the whole type for a gap of one tenant', async () => {
  const changes = [{ tenantId: 't', type: 'ore', recordId: '' }];
  const log = await follow([{ cursor: 'a' }, { cursor: 'b', changes }]);
  expect(log.slice(3)).toEqual(['end t/ore t/ore*', 'fresh']);
});

it('ends everything and begins anew when the log no longer has what came after its cursor', async () => {
  const expired = new AppError(
    'FAILED_PRECONDITION',
    'CURSOR_EXPIRED',
    'Changes after this cursor are no longer kept.',
  );
  const log = await follow([{ cursor: 'a' }, expired], [{ cursor: 'b' }]);
  expect(log.slice(3)).toEqual(['from now', 'end all', 'fresh']);
});

it('ends everything and begins anew after it heard nothing for more than a minute', async () => {
  const log = await follow([{ cursor: 'a', silenceMs: 60_001 }], [{ cursor: 'b' }]);
  expect(log.slice(3)).toEqual(['from now', 'end all', 'fresh']);
});

it('is not fresh again before it has heard more than where it goes on', async () => {
  const log = await follow([{ cursor: 'a' }], [{ cursor: 'a' }, { cursor: 'b' }]);
  expect(log.slice(3)).toEqual(['from a', 'not fresh', 'fresh']);
});

it('asks again when nothing comes any more, as from a server that is gone', async () => {
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
  const target = { end: async () => undefined, endAll: async () => undefined };
  const feed = new ChangeFeed('/path', client, target, pino({ level: 'silent' }));
  await vi.waitUntil(() => feed.isFresh);

  await vi.advanceTimersByTimeAsync(9_000);
  expect(begun).toEqual(['now']);
  await vi.advanceTimersByTimeAsync(1_000);

  await askedAgain;
  expect(begun).toEqual(['now', 'a']);
  await feed.close();
});
