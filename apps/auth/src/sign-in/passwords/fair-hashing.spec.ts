import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PasswordHasher } from './password-hasher.js';
import { formatPhcString } from './phc-string.js';

const password = 'dust jigsaw plinth';
/** A hash that no password matches, at the least cost: turns and refusals are the same at any. */
const stored = formatPhcString({ memory: 8, passes: 1, parallelism: 1, salt: randomBytes(16), hash: randomBytes(32) });

let hasher: PasswordHasher;

beforeEach(() => {
  hasher = new PasswordHasher();
});
afterEach(() => hasher.onApplicationShutdown());

test('tenants take turns, so that a queue of one tenant does not delay another', async () => {
  const order: string[] = [];
  const check = (tenantId: string) =>
    hasher.verifyPassword(password, stored, tenantId).then(() => order.push(tenantId));

  const all = [...Array.from({ length: 8 }, () => check('hostile')), check('calm'), check('calm')];
  await Promise.all(all);

  expect(order.slice(0, 5)).toEqual(['hostile', 'hostile', 'calm', 'hostile', 'calm']);
});

test('a full queue refuses the tenant with the most pending passwords, and no other', async () => {
  const hostile = Promise.allSettled(
    Array.from({ length: 100 }, () => hasher.verifyPassword(password, stored, 'hostile')),
  );
  expect(() => hasher.checkCapacity('hostile')).toThrow('Too many sign-ins at the moment');

  hasher.checkCapacity('calm');
  const calm = Array.from({ length: 10 }, () => hasher.verifyPassword(password, stored, 'calm'));

  expect(await Promise.all(calm)).toEqual(Array.from({ length: 10 }, () => false));
  const refused = (await hostile).filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(10);
  expect(refused[0]).toMatchObject({ reason: { code: 'RESOURCE_EXHAUSTED', reason: 'PASSWORD_CHECKS_BUSY' } });
});
