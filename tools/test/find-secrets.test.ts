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
  ['RAPPORT_API_KEY', `rpt_live_${random(61)}`],
  ['RAPPORT_API_KEY', `rpt_test_${random(61)}`],
  ['PRIVATE_KEY_HEADER', ['-----BEGIN', 'EC PRIVATE', 'KEY-----'].join(' ')],
  ['PRIVATE_KEY_HEADER', ['-----BEGIN', 'PRIVATE', 'KEY-----'].join(' ')],
  ['AWS_ACCESS_KEY_ID', `AKIA${upper()}`],
  ['GITHUB_TOKEN', `ghp_${random(36)}`],
  ['NPM_ACCESS_TOKEN', `npm_${random(36)}`],
  ['GOOGLE_API_KEY', `AIza${random(35)}`],
  ['JSON_WEB_TOKEN', `eyJ${random(30)}.eyJ${random(60)}.${random(43)}`],
  ['KEY_OF_32_BYTES', randomBytes(32).toString('base64')],
  ['GITLAB_PERSONAL_ACCESS_TOKEN', `glpat-${random(20)}`],
  ['SLACK_TOKEN', `xoxb-${'1'.repeat(12)}-${'2'.repeat(12)}-${random(24)}`],
  ['STRIPE_SECRET_KEY_LIVE', `sk_live_${random(24)}`],
  ['PASSWORD_IN_URL', `postgres://customers_app:${random(24)}@db:5432/customers`],
])('finds a %s where it stands', async (kind, secret) => {
  const found = await findSecrets('a.ts', `first line\nconst value = '${secret}';\n`);
  expect(found).toContainEqual({ file: 'a.ts', line: 2, kind });
});

test.each([
  `rpt_live_${'x'.repeat(61)}`,
  'rpt_live_… and 61 characters',
  'postgres://user:password@host:5432/name',
  'postgres://${user}:${password}@host',
  createHmac('sha256', 'a').update('b').digest('hex'),
  `sha512-${randomBytes(64).toString('base64')}`,
  '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11',
])('takes %s for no secret', async (text) => {
  expect(await findSecrets('a.ts', text)).toEqual([]);
});

describe('what is to be done', () => {
  const found = { file: 'a.ts', line: 2, kind: 'PRIVATE_KEY_HEADER' };
  const allowed = { file: 'a.ts', kind: 'PRIVATE_KEY_HEADER', reason: 'the sample of an RFC' };

  it('is nothing about a secret that may stay, and names every other', () => {
    expect(secretFaults([found], [allowed])).toEqual([]);
    expect(secretFaults([found], [{ ...allowed, file: 'b.ts' }])).toEqual([
      expect.stringContaining('a.ts:2'),
      expect.stringContaining('b.ts has no PRIVATE_KEY_HEADER any more'),
    ]);
  });
});
