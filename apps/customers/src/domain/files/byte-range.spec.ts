import { expect, test } from 'vitest';
import { byteRange } from './byte-range.js';

test.each([
  ['bytes=0-0', { from: 0, to: 1 }],
  ['bytes=0-', { from: 0, to: 1_000 }],
  ['bytes=999-', { from: 999, to: 1_000 }],
  ['bytes=10-19', { from: 10, to: 20 }],
  ['BYTES= 10-5000 ', { from: 10, to: 1_000 }],
  ['bytes=-1', { from: 999, to: 1_000 }],
  ['bytes=-5000', { from: 0, to: 1_000 }],
])('%s of 1,000 bytes are %o', (range, bytes) => {
  expect(byteRange(range, 1_000)).toEqual(bytes);
});

test.each([
  undefined,
  '',
  'bytes',
  'bytes=',
  'bytes=-',
  'bytes=a-b',
  'bytes=2-1',
  'bytes=0-1,3-4',
  'lines=0-1',
  'bytes=0-1;',
  `bytes=${'9'.repeat(900)}-`,
])('%s selects the whole file', (range) => {
  expect(byteRange(range, 1_000)).toBeUndefined();
});

test.each([
  ['bytes=1000-', 1_000],
  ['bytes=-0', 1_000],
  ['bytes=0-', 0],
  ['bytes=-5', 0],
])('%s of %i bytes is not satisfiable', (range, size) => {
  expect(() => byteRange(range, size)).toThrow(expect.objectContaining({ reason: 'RANGE_NOT_SATISFIABLE' }) as Error);
});
