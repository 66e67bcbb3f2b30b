import type { MikroORM } from '@mikro-orm/postgresql';
import { AppError } from '@rapport/platform';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { ParseWorker } from './parse-worker.js';

const tenantId = '0190c5a2-0000-7000-8000-000000000001';

afterEach(() => vi.useRealTimers());

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
  const mail = { messageId: 'a mail', mailboxId: 'a mailbox', attempts: 1, ownDomains: [], ownAddresses: [] };
  const worker = new ParseWorker(
    { em: { fork: () => ({ findOne: () => Promise.resolve(null) }) } } as unknown as MikroORM,
    {
      tenants: () => Promise.resolve(waiting ? [tenantId] : []),
      claim: (_tenantId, _limit, ids) => {
        returned.push(ids);
        // Leased for long, unless it is given back.
        const open = waiting || ids.length > 0 ? [{ ...mail, sha256: '', sizeBytes: 1, receiveTime: undefined }] : [];
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
