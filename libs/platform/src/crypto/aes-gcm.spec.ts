import { createSecretKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decrypt, encrypt } from './aes-gcm.js';

const key = Buffer.alloc(32, 7);
const nonce = Buffer.from('000102030405060708090a0b', 'hex');
const plain = Buffer.from('a secret');
const [ciphertext, tag] = ['79a19a157e7bbc3d', 'ebfd18a286f5bd6e73a5b1a18e686c04'];

// Made by releases before this module: stored values have either layout.
const layouts = [
  ['nonce, ciphertext, tag', false, `${nonce.toString('hex')}${ciphertext}${tag}`],
  ['nonce, tag, ciphertext', true, `${nonce.toString('hex')}${tag}${ciphertext}`],
] as const;

describe.each(layouts)('%s', (_, tagFirst, released) => {
  const sealed = Buffer.from(released, 'hex');

  test('decrypts values of earlier releases, and encrypts to the same bytes', () => {
    expect(decrypt(key, sealed, 'owner 1', { tagFirst }).toString()).toBe('a secret');
    expect(encrypt(key, plain, 'owner 1', { nonce, tagFirst })).toEqual(sealed);
    expect(encrypt(createSecretKey(key), plain, 'owner 1', { nonce, tagFirst })).toEqual(sealed);
  });

  test('refuses another key, another context, another layout, and each changed or missing byte', () => {
    expect(() => decrypt(Buffer.alloc(32, 8), sealed, 'owner 1', { tagFirst })).toThrow();
    expect(() => decrypt(key, sealed, 'owner 2', { tagFirst })).toThrow();
    expect(() => decrypt(key, sealed, 'owner 1', { tagFirst: !tagFirst })).toThrow();
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect(() => decrypt(key, changed, 'owner 1', { tagFirst })).toThrow();
      expect(() => decrypt(key, sealed.subarray(0, at), 'owner 1', { tagFirst })).toThrow();
    }
  });

  test('uses a new nonce for each value', () => {
    const values = Array.from({ length: 100 }, () => encrypt(key, plain, 'owner 1', { tagFirst }).toString('hex'));

    expect(new Set(values.map((value) => value.slice(0, 24))).size).toBe(100);
  });
});
