import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { formatClientId, generateClientSecret, hashClientSecret, parseClientId } from './client-id.js';

test('a client id contains its tenant and its client', () => {
  const key = { tenantId: v7(), id: v7() };

  expect(formatClientId(key)).toMatch(/^[\w-]{43}$/);
  expect(parseClientId(formatClientId(key))).toEqual(key);
});

const good = formatClientId({ tenantId: v7(), id: v7() });

test.each(['', 'web', `${good}=`, `${good}\n`, good.slice(1), `${good.slice(0, -1)}_`])(
  '%j is not a client id',
  (text) => {
    expect(parseClientId(text)).toBeUndefined();
  },
);

test('the hash of a secret depends on the key of the service', () => {
  const secret = generateClientSecret();

  expect(hashClientSecret(randomBytes(32), secret)).not.toEqual(hashClientSecret(randomBytes(32), secret));
});
