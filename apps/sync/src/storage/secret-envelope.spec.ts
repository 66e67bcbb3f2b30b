import { randomBytes } from 'node:crypto';
import { MasterKeys } from '@rapport/platform';
import { expect, it } from 'vitest';
import { SecretEnvelope } from './secret-envelope.js';

const key = randomBytes(32);
const envelope = new SecretEnvelope(new MasterKeys(key));
const secret = Buffer.from('a secret');

function changedTo(newKey: Buffer, ...retired: Buffer[]): SecretEnvelope {
  return new SecretEnvelope(new MasterKeys(newKey, retired));
}

it('opens what it has sealed, for the same owner only', () => {
  const sealed = envelope.seal(secret, 'endpoint/1');
  expect(envelope.open(sealed, 'endpoint/1')).toEqual(secret);
  expect(() => envelope.open(sealed, 'endpoint/2')).toThrow();
  expect(() => changedTo(randomBytes(32)).open(sealed, 'endpoint/1')).toThrow();
});

it('opens what was sealed under a retired master key, and once renewed without it', () => {
  const [sealed, newKey] = [envelope.seal(secret, 'a'), randomBytes(32)];
  const renewed = changedTo(newKey, key).renew(sealed, 'a');
  expect(changedTo(newKey, key).open(sealed, 'a')).toEqual(secret);
  expect(changedTo(newKey).open(renewed, 'a')).toEqual(secret);
  expect(changedTo(newKey).renew(renewed, 'a')).toBe(renewed);
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
