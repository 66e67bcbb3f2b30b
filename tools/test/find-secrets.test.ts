import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import { findSecrets, secretFaults } from '../find-secrets.ts';

/** Digits and letters that nobody can guess, put together here so that this file has no secret in it. */
function random(length: number): string {
  return randomBytes(length * 2)
    .toString('base64')
    .replace(/[+/=]/g, '')
    .slice(0, length);
}

const upper = () => createHmac('sha256', random(9)).digest('hex').toUpperCase().slice(0, 16);

test.each([
  ['Rapport API key', `rpt_live_${random(61)}`],
  ['Rapport API key', `rpt_test_${random(61)}`],
  ['private key', ['-----BEGIN', 'EC PRIVATE', 'KEY-----'].join(' ')],
  ['private key', ['-----BEGIN', 'PRIVATE', 'KEY-----'].join(' ')],
  ['key of AWS', `AKIA${upper()}`],
  ['token of GitHub', `ghp_${random(36)}`],
  ['token of npm', `npm_${random(36)}`],
  ['key of Google', `AIza${random(35)}`],
  ['JSON Web Token', `eyJ${random(30)}.eyJ${random(60)}.${random(43)}`],
  ['32-byte key in base64', randomBytes(32).toString('base64')],
  ['password in a URL', `postgres://customers_app:${random(24)}@db:5432/customers`],
])('finds a %s where it stands', (kind, secret) => {
  expect(findSecrets('a.ts', `first line\nconst value = '${secret}';\n`)).toEqual([{ file: 'a.ts', line: 2, kind }]);
});

test.each([
  `rpt_live_${'x'.repeat(61)}`,
  'rpt_live_… and 61 characters',
  'postgres://user:password@host:5432/name',
  'postgres://${user}:${password}@host',
  createHmac('sha256', 'a').update('b').digest('hex'),
  `sha512-${randomBytes(64).toString('base64')}`,
  '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11',
])('takes %s for no secret', (text) => {
  expect(findSecrets('a.ts', text)).toEqual([]);
});

describe('what is to be done', () => {
  const found = { file: 'a.ts', line: 2, kind: 'private key' };
  const allowed = { file: 'a.ts', kind: 'private key', reason: 'the sample of an RFC' };

  it('is nothing about a secret that may stay, and names every other', () => {
    expect(secretFaults([found], [allowed])).toEqual([]);
    expect(secretFaults([found], [{ ...allowed, file: 'b.ts' }])).toEqual([
      expect.stringContaining('a.ts:2'),
      expect.stringContaining('b.ts has no private key any more'),
    ]);
  });
});
