import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { HashJob } from './hash-worker.js';
import { PasswordHasher } from './password-hasher.js';
import { formatPhcString } from './phc-string.js';

let hasher: PasswordHasher;

beforeEach(() => {
  hasher = new PasswordHasher();
});
afterEach(() => hasher.onApplicationShutdown());

/** A hash that no password matches. 20 passes over 19 MiB take half a second. */
function hashOf(memory: number, passes: number): string {
  return formatPhcString({ memory, passes, parallelism: 1, salt: randomBytes(16), hash: randomBytes(32) });
}

test('verifies the hashed password, and no other', async () => {
  const stored = await hasher.hashPassword('dust jigsaw plinth');

  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(await hasher.verifyPassword('dust jigsaw plinth', stored)).toBe(true);
  expect(await hasher.verifyPassword('dust jigsaw plinth ', stored)).toBe(false);
  expect(await hasher.hashPassword('dust jigsaw plinth')).not.toBe(stored);
});

test('verifies a hash of other software with other parameters', async () => {
  // The reference implementation's own example: argon2 -id -t 2 -m 16 -p 1 -l 32 with the salt "somesalt".
  const stored = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

  expect(await hasher.verifyPassword('password', stored)).toBe(true);
});

test('does the same work with and without an account', async () => {
  const stored = await hasher.hashPassword('dust jigsaw plinth');
  const send = vi.spyOn(Worker.prototype, 'postMessage');
  for (const phcString of [stored, undefined, null]) {
    expect(await hasher.verifyPassword('no such password', phcString)).toBe(false);
  }

  const [known, unknown, none] = send.mock.calls.map(([job]) => workOf(job as HashJob));
  send.mockRestore();
  expect(known).toMatchObject({ memory: 19_456, passes: 2, parallelism: 1 });
  expect([unknown, none]).toEqual([known, known]);
});

/** The parameters that determine the duration of a hash. */
function workOf({ parameters: { message, nonce, ...parameters } }: HashJob) {
  return { ...parameters, message, nonceLength: Buffer.from(nonce as Uint8Array).length };
}

test('refuses more than 100 pending passwords, and accepts new ones after they are done', async () => {
  const stored = hashOf(8, 1);
  const all = Array.from({ length: 110 }, () => hasher.verifyPassword('dust jigsaw plinth', stored));
  const settled = await Promise.allSettled(all);

  const refused = settled.filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(10);
  expect(refused[0]).toMatchObject({ reason: { code: 'RESOURCE_EXHAUSTED', retryAfterSeconds: 5 } });
  expect(await hasher.verifyPassword('dust jigsaw plinth', stored)).toBe(false);
});

test('does not delay file reads or timers', async () => {
  // More than Node's thread pool has threads.
  const hashes = Array.from({ length: 8 }, () => hasher.verifyPassword('dust jigsaw plinth', hashOf(19_456, 20)));
  const firstHash = Promise.race(hashes).then(() => 'the first hash');
  const others = readFile(import.meta.filename).then(() => new Promise((resolve) => setTimeout(resolve, 1, 'others')));

  expect(await Promise.race([firstHash, others])).toBe('others');
  // The remaining hashes are abandoned, because the worker is terminated.
  await hasher.onApplicationShutdown();
  expect((await Promise.allSettled(hashes)).at(-1)?.status).toBe('rejected');
});
