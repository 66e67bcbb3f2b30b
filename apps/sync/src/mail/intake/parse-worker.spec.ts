import type { MikroORM } from '@mikro-orm/postgresql';
import { AppError } from '@rapport/platform';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { ParseWorker } from './parse-worker.js';

const tenantId = '0190c5a2-0000-7000-8000-000000000001';

const orm = { em: { fork: () => ({ findOne: () => Promise.resolve(null) }) } } as unknown as MikroORM;
const mail = { mailboxId: 'a mailbox', attempts: 1, ownDomains: [], ownAddresses: [], sha256: '', sizeBytes: 1 };

afterEach(() => vi.useRealTimers());

test('mails are filed in their order, however long each is parsed: a later one can name an earlier one', async () => {
  const filed: string[] = [];
  const parsed = new Map<string, () => void>();
  const open = ['slow', 'quick', 'last'];
  const worker = new ParseWorker(
    orm,
    {
      tenants: () => Promise.resolve([tenantId]),
      claim: () => Promise.resolve(open.splice(0).map((messageId) => ({ ...mail, messageId, receiveTime: undefined }))),
      raw: (_tenantId, messageId) => Promise.resolve(Buffer.from(messageId)),
      file: (_tenantId, messageId) => Promise.resolve(void filed.push(messageId)),
      reject: () => Promise.reject(new Error('It is rejected.')),
    },
    { parse: (_tenantId, { raw }) => new Promise((resolve) => parsed.set(raw.toString(), () => resolve({} as never))) },
  );
  onTestFinished(() => worker.onModuleDestroy());
  worker.onApplicationBootstrap();
  await vi.waitUntil(() => parsed.size === 2);
  parsed.get('quick')?.();
  parsed.get('slow')?.();
  await vi.waitUntil(() => parsed.size === 3);
  parsed.get('last')?.();
  await vi.waitUntil(() => filed.length === 3);

  expect(filed).toEqual(['slow', 'quick', 'last']);
});

test('a mail that is not filed while auth is away is given back, so that its attempt does not count', async () => {
  vi.useFakeTimers();
  const returned: string[][] = [];
  const away = new AppError('UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'The service is away.');
  const fail = vi
    .fn()
    .mockRejectedValueOnce(away)
    .mockRejectedValueOnce(new Error('lost'))
    .mockResolvedValue(undefined);
  let waiting = true;
  const worker = new ParseWorker(
    orm,
    {
      tenants: () => Promise.resolve(waiting ? [tenantId] : []),
      claim: (_tenantId, _limit, ids) => {
        returned.push(ids);
        // Leased for long, unless it is given back.
        const open = waiting || ids.length > 0 ? [{ ...mail, messageId: 'a mail', receiveTime: undefined }] : [];
        waiting = false;
        return Promise.resolve(open);
      },
      raw: () => Promise.resolve(Buffer.alloc(0)),
      file: fail,
      reject: () => Promise.reject(new Error('It is rejected.')),
    },
    { parse: () => Promise.resolve({ message: {}, attachments: [] } as never) },
  );
  onTestFinished(() => worker.onModuleDestroy());
  worker.onApplicationBootstrap();

  await vi.advanceTimersByTimeAsync(10_000);

  // The second time, it failed of itself: its lease ends.
  expect(returned).toEqual([[], ['a mail']]);
  expect(fail).toHaveBeenCalledTimes(2);
});
