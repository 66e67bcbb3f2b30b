import { expect, test } from 'vitest';
import { FailedPairs, type PairIds } from './failed-pairs.js';

const pair = (customerId?: string, recordId?: string): PairIds => ({ customerId, recordId });

test('counts a pair once, by whichever side it is met', () => {
  const failed = new FailedPairs();

  expect(failed.add(pair(undefined, '1'))).toBe(true);
  // Its customer was created in the meantime.
  expect(failed.add(pair('ada', '1'))).toBe(false);
  expect(failed.has(pair('ada'))).toBe(true);
  expect(failed.add(pair('ada'))).toBe(false);
  expect(failed.add(pair('grace', '2'))).toBe(true);
  // Ids of the two sides are unrelated.
  expect(failed.has(pair('1'))).toBe(false);
  expect(failed.count).toBe(2);
});
