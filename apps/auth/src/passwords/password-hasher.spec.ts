import { readFile } from 'node:fs/promises';
import { median, medianNoise } from '@rapport/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PasswordHasher } from './password-hasher.js';

let hasher: PasswordHasher;

beforeEach(() => {
  hasher = new PasswordHasher();
});
afterEach(() => hasher.onApplicationShutdown());

test('knows the password that it hashed, and no other', async () => {
  const stored = await hasher.hashPassword('dust jigsaw plinth');

  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(await hasher.verifyPassword('dust jigsaw plinth', stored)).toBe(true);
  expect(await hasher.verifyPassword('dust jigsaw plinth ', stored)).toBe(false);
  expect(await hasher.hashPassword('dust jigsaw plinth')).not.toBe(stored);
});

test('verifies a hash that other software made with other parameters', async () => {
  // The reference implementation's own example: argon2 -id -t 2 -m 16 -p 1 -l 32 with the salt "somesalt".
  const stored = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

  expect(await hasher.verifyPassword('password', stored)).toBe(true);
});

test('takes as long without an account as with one', async () => {
  const stored = await hasher.hashPassword('dust jigsaw plinth');
  const times: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] };
  for (let round = 0; round < 15; round += 1) {
    for (const [name, phcString] of [
      ['known', stored],
      ['unknown', undefined],
    ] as const) {
      const start = performance.now();
      expect(await hasher.verifyPassword('no such password', phcString)).toBe(false);
      times[name].push(performance.now() - start);
    }
  }

  const tolerance = Math.max(medianNoise(times.known), median(times.known) / 4);
  expect(Math.abs(median(times.unknown) - median(times.known))).toBeLessThanOrEqual(tolerance);
});

test('refuses more than 100 at a time, and goes on when they are done', async () => {
  const all = Array.from({ length: 110 }, () => hasher.verifyPassword('dust jigsaw plinth', undefined));
  const settled = await Promise.allSettled(all);

  const refused = settled.filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(10);
  expect(refused[0]).toMatchObject({ reason: { code: 'RESOURCE_EXHAUSTED', retryAfterSeconds: 5 } });
  expect(await hasher.verifyPassword('dust jigsaw plinth', undefined)).toBe(false);
});

test('keeps no file and no timer waiting while it works', async () => {
  const hashes = Array.from({ length: 40 }, () => hasher.verifyPassword('dust jigsaw plinth', undefined));
  let isHashing = true;
  const allHashed = Promise.all(hashes).finally(() => (isHashing = false));

  await readFile(import.meta.filename);
  await new Promise(setImmediate);

  expect(isHashing).toBe(true);
  await allHashed;
});
