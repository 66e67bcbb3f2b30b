import { expect, it } from 'vitest';
import { readRetryAfter } from './retry-after.js';

it.each([
  ['120', 120_000],
  [' 7 ', 7_000],
  ['Wed, 25 Nov 2026 12:01:00 GMT', 60_000],
  ['99999999999', 86_400_000],
  ['Wed, 25 Nov 2026 11:00:00 GMT', undefined],
  ['0', undefined],
  ['-5', undefined],
  ['soon', undefined],
  ['', undefined],
  [null, undefined],
  [undefined, undefined],
])('reads Retry-After %j as %j ms', (header, expected) => {
  expect(readRetryAfter(header, Date.parse('2026-11-25T12:00:00Z'))).toBe(expected);
});
