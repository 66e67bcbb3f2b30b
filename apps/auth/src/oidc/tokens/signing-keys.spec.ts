import { expect, test } from 'vitest';
import { isKeyDue, orderKeys, type KeySchedule } from './signing-keys.js';

const schedule: KeySchedule = { periodMs: 1_000, publishAheadMs: 100, overlapMs: 300, cacheMs: 10 };
const at = (createdAt: number) => ({ id: `created at ${createdAt}`, createdAt });
const keys = [at(0), at(1_000), at(2_000)];

test('the first key signs immediately, and the next one is due after its period', () => {
  expect(isKeyDue([], 0, schedule)).toBe(true);
  expect(orderKeys([at(0)], 0, schedule)).toEqual([at(0)]);
  expect(isKeyDue([at(0)], 999, schedule)).toBe(false);
  expect(isKeyDue([at(0)], 1_000, schedule)).toBe(true);
});

test('a new key is published before it signs, and the previous one stays published after', () => {
  expect(orderKeys(keys.slice(0, 2), 1_099, schedule)).toEqual([at(0), at(1_000)]);
  expect(orderKeys(keys.slice(0, 2), 1_100, schedule)).toEqual([at(1_000), at(0)]);
  expect(orderKeys(keys.slice(0, 2), 1_399, schedule)).toEqual([at(1_000), at(0)]);
  expect(orderKeys(keys.slice(0, 2), 1_400, schedule)).toEqual([at(1_000)]);
});

test('a key is no longer published after the overlap', () => {
  expect(orderKeys(keys, 2_100, schedule)).toEqual([at(2_000), at(1_000)]);
});
