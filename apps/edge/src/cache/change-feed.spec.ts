import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ChangeFeed } from './change-feed.js';

interface Script {
  cursor: string;
  changes?: { tenantId: string; type: string; recordId: string }[];
}

const allTenants = '00000000-0000-0000-0000-000000000000';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Follows a log that gives these messages, one stream after the other, and then is silent. What it does is in `log`. */
async function follow(...streams: Script[][]) {
  const log: string[] = [];
  const told = Promise.withResolvers<void>();
  const client = {
    async *duplex(_path: string, requests: AsyncIterable<unknown>, { signal }: { signal?: AbortSignal }) {
      const first = (await requests[Symbol.asyncIterator]().next()) as IteratorYieldResult<{ cursor?: string }>;
      log.push(`from ${first.value.cursor ?? 'now'}`);
      // The stream before is long gone.
      vi.advanceTimersByTime(4_000);
      const messages = streams.shift() ?? [];
      for (const { cursor, changes = [] } of messages) {
        yield { cursor, changes };
        log.push(feed.isFresh ? 'fresh' : 'not fresh');
      }
      if (streams.length > 0) return;
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

it('is not fresh again before it has heard more than where it goes on', async () => {
  const log = await follow([{ cursor: 'a' }], [{ cursor: 'a' }, { cursor: 'b' }]);
  expect(log.slice(3)).toEqual(['from a', 'not fresh', 'fresh']);
});
