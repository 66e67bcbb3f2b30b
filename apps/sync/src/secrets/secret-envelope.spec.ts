import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { SecretEnvelope } from './secret-envelope.js';

const envelope = new SecretEnvelope(randomBytes(32));
const secret = Buffer.from('a secret');

it('opens what it has sealed, for the same owner only', () => {
  const sealed = envelope.seal(secret, 'endpoint/1');
  expect(envelope.open(sealed, 'endpoint/1')).toEqual(secret);
  expect(() => envelope.open(sealed, 'endpoint/2')).toThrow();
  expect(() => new SecretEnvelope(randomBytes(32)).open(sealed, 'endpoint/1')).toThrow();
});

it('seals the same secret differently each time, and shows none of it', () => {
  const [one, other] = [envelope.seal(secret, 'a'), envelope.seal(secret, 'a')];
  expect(one.equals(other)).toBe(false);
  expect(one.includes(secret)).toBe(false);
});

it.each([0, 1, 20, 70, 90])('notices that byte %i was changed', (place) => {
  const sealed = envelope.seal(secret, 'a');
  sealed[place] = (sealed[place] ?? 0) ^ 1;
  expect(() => envelope.open(sealed, 'a')).toThrow();
});
