import { expect, test } from 'vitest';
import { base32, matchingStep, stepOf, totpCode, totpUri } from './totp.js';

const secret = Buffer.from('12345678901234567890');

// RFC 6238, appendix B, of which the last six digits count here.
test.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
])('the code at %d s is %s', (seconds, code) => {
  expect(totpCode(secret, stepOf(seconds * 1_000))).toBe(code);
});

test('takes the code of the step of now and of its neighbours, and no other', () => {
  const now = 1_234_567_890_000;
  const matches = (steps: number) => matchingStep(secret, totpCode(secret, stepOf(now) + steps), now, 0) !== undefined;

  expect([-2, -1, 0, 1, 2].map(matches)).toEqual([false, true, true, true, false]);
});

test('takes no step again', () => {
  const now = 1_234_567_890_000;

  expect(matchingStep(secret, totpCode(secret, stepOf(now)), now, stepOf(now))).toBeUndefined();
});

test.each(['', '00592', '0059244', '005924 ', '٠٠٥٩٢٤'])('%j is no code', (code) => {
  expect(matchingStep(secret, code, 1_234_567_890_000, 0)).toBeUndefined();
});

test('writes secrets as authenticator apps read them', () => {
  expect(base32(secret)).toBe('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ');
  expect(totpUri(secret, 'ada@example.com', 'A & B')).toBe(
    'otpauth://totp/Rapport%20A%20%26%20B:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Rapport%20A%20%26%20B',
  );
});
