import { expect, test } from 'vitest';
import { IdlePace } from './idle-pace.js';

test('pauses grow to their limit while there is nothing to do, and begin anew with work', () => {
  const pace = new IdlePace();
  const look = (isBusy: boolean) => pace.after({ isBusy });
  expect([1, 2, 3, 4, 5, 6].map(() => look(false))).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  expect([true, false, false].map(look)).toEqual([1_000, 2_000, 4_000]);
  expect([1, 2, 3].map(() => new IdlePace(5_000).after({ isBusy: false }))).toEqual([1_000, 1_000, 1_000]);
});
