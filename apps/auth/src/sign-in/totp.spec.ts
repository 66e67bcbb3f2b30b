import { expect, test } from 'vitest';
import { base32, matchingStep, totpUri } from './totp.js';

const secret = Buffer.from('12345678901234567890');

// RFC 6238, appendix B: the last six digits of its codes, which belong to the step of their time.
test.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
])('at %d s, %s is the code of the current step', (seconds, code) => {
  expect(matchingStep(secret, code, seconds * 1_000, 0)).toBe(Math.floor(seconds / 30));
});

test('accepts the codes of the current step and of its neighbours, and no others', () => {
  const seconds = 1_234_567_890;
  const step = Math.floor(seconds / 30);
  const accepted = [-2, -1, 0, 1, 2].map((away) => matchingStep(secret, '005924', (seconds + away * 30) * 1_000, 0));

  expect(accepted).toEqual([undefined, step, step, step, undefined]);
});

test('accepts no code of a step that was used, and none of an earlier one', () => {
  const timeMs = 1_234_567_890_000;
  const step = Math.floor(timeMs / 30_000);

  expect(matchingStep(secret, '005924', timeMs, step - 1)).toBe(step);
  expect(matchingStep(secret, '005924', timeMs, step)).toBeUndefined();
  expect(matchingStep(secret, '005924', timeMs, step + 1)).toBeUndefined();
});

test.each(['', '00592', '0059244', '005924 ', '٠٠٥٩٢٤'])('%j is no code', (code) => {
  expect(matchingStep(secret, code, 1_234_567_890_000, 0)).toBeUndefined();
});

test('formats secrets as authenticator apps read them', () => {
  expect(base32(secret)).toBe('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ');
  expect(totpUri(secret, 'ada@example.com', 'A & B')).toBe(
    'otpauth://totp/Rapport%20A%20%26%20B:ada%40example.com?issuer=Rapport%20A%20%26%20B' +
      '&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=SHA1&digits=6&period=30',
  );
});

test('encodes any bytes in base 32 (RFC 4648, section 10)', () => {
  const encoded = ['f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map((text) => base32(Buffer.from(text)));

  expect(encoded).toEqual(['MY', 'MZXQ', 'MZXW6', 'MZXW6YQ', 'MZXW6YTB', 'MZXW6YTBOI']);
});
