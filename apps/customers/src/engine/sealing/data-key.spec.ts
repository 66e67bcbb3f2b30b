import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { v7 } from 'uuid';
import { DataKey, dataKeyBytes, isSealed, keyIdOf, openJson, sealedTextsOf } from './data-key.js';

const key = new DataKey(v7(), randomBytes(dataKeyBytes));
const other = new DataKey(v7(), randomBytes(dataKeyBytes));

test('encryption is deterministic per subject and text, and reversible', () => {
  const sealed = key.seal('Ada Lovelace');
  expect(key.seal('Ada Lovelace')).toBe(sealed);
  expect(key.seal('Ada Byron')).not.toBe(sealed);
  expect(other.seal('Ada Lovelace')).not.toBe(sealed);
  expect([key.open(sealed), keyIdOf(sealed)]).toEqual(['Ada Lovelace', key.id]);
  expect(key.open(key.seal(''))).toBe('');
  expect(() => other.open(sealed)).toThrow();
});

test('rejects a modified ciphertext', () => {
  const sealed = key.seal('Ada');
  const changed = `${sealed.slice(0, -2)}${sealed.endsWith('AA') ? 'BB' : 'AA'}`;
  expect(isSealed(changed)).toBe(true);
  expect(() => key.open(changed)).toThrow();
});

test('finds and decrypts ciphertexts in JSON, with any escapes', () => {
  const text = 'Ada "the\n\\Countess"';
  const json = JSON.stringify({ name: key.seal(text), unsealed: ['\u0001short', 'Ada'], unknown: other.seal('Eve') });
  expect(sealedTextsOf(json).map(keyIdOf)).toEqual([key.id, other.id]);
  const opened = JSON.parse(
    openJson(json, (sealed) => (keyIdOf(sealed) === key.id ? key.open(sealed) : undefined)),
  ) as {
    unknown: string;
  };
  expect(opened).toEqual({ name: text, unsealed: ['\u0001short', 'Ada'], unknown: opened.unknown });
  expect(other.open(opened.unknown)).toBe('Eve');
});
