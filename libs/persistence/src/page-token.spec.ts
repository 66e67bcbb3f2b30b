import { createHmac, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { PageTokenKey, readPageToken, signPageToken } from './page-token.js';

const bytes = randomBytes(32);
const key = new PageTokenKey(bytes);
/** Of another process: it knows no token. */
const other = new PageTokenKey(bytes);

test('round-trips the position, with NULL and all characters', () => {
  const position = ['2026-01-02T03:04:05.678901Z', null, '', '中"\u0000'];

  const token = signPageToken(key, 'list', position);

  expect(readPageToken(other, 'list', token)).toEqual(position);
  expect(readPageToken(other, 'list', token)).toEqual(position);
  expect(readPageToken(key, 'list', token)).toEqual(position);
});

test('hides the position, and is deterministic', () => {
  const token = signPageToken(key, 'list', ['Ada Lovelace', '7']);

  expect(Buffer.from(token, 'base64url').toString('latin1')).not.toMatch(/Ada|Lovelace/);
  expect(signPageToken(key, 'list', ['Ada Lovelace', '7'])).toBe(token);
  expect(signPageToken(other, 'list', ['Ada Lovelace', '7'])).toBe(token);
  expect(signPageToken(key, 'other', ['Ada Lovelace', '7'])).not.toBe(token);
});

test('reads a token of an earlier release, and still makes the same', () => {
  const fixed = new PageTokenKey(Buffer.alloc(32, 7));
  const released = 'nPIt3A5ySD8pTWK1-zR4Icq3PEE2jlqojD1jmlTFhbMqp1SwUw';

  expect(readPageToken(fixed, 'list', released)).toEqual(['7', '8']);
  expect(signPageToken(fixed, 'list', ['7', '8'])).toBe(released);
});

test('reads what a release before had only signed', () => {
  const payload = Buffer.from('["7","8"]');
  const mac = createHmac('sha256', bytes).update('4:list').update(payload).digest().subarray(0, 16);
  const token = Buffer.concat([mac, payload]).toString('base64url');

  expect(readPageToken(key, 'list', token)).toEqual(['7', '8']);
  expect(() => readPageToken(key, 'other', token)).toThrow();
});

test('reads tokens of a retired key, and makes them with the current one', () => {
  const token = signPageToken(key, 'list', ['a']);
  const next = randomBytes(32);
  const rotated = new PageTokenKey(next, [bytes]);

  expect(readPageToken(rotated, 'list', token)).toEqual(['a']);
  const renewed = signPageToken(rotated, 'list', ['a']);
  expect(renewed).not.toBe(token);
  expect(readPageToken(new PageTokenKey(next), 'list', renewed)).toEqual(['a']);
  expect(() => readPageToken(new PageTokenKey(next), 'list', token)).toThrow();
});

test('refuses a token of another list or key, and a changed, truncated or invented one', () => {
  const token = signPageToken(key, 'list', ['a']);
  const changed = Buffer.from(token, 'base64url');
  changed[changed.length - 2]! ^= 1;
  const attempts: [PageTokenKey, string, string][] = [
    [key, 'other', token],
    [new PageTokenKey(randomBytes(32)), 'list', token],
    [key, 'list', changed.toString('base64url')],
    [key, 'list', token.slice(0, 20)],
    [key, 'list', ''],
    [key, 'list', 'made up ?!'],
    // What is kept of the token must not be taken for one.
    [key, 'list', '4:list["a"]'],
  ];

  for (const [withKey, binding, attempt] of attempts) {
    expect(() => readPageToken(withKey, binding, attempt)).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        violations: [expect.objectContaining({ field: 'pageToken', reason: 'PAGE_TOKEN_INVALID' })],
      }),
    );
  }
});
