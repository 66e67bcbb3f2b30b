import { expect, test } from 'vitest';
import { asksForLess, openPace, slowDown, slowed, slownessAt, stateAt } from './pace-of-domain.js';

const start = Date.parse('2026-11-29T09:00:00Z');
const after = (seconds: number) => new Date(start + seconds * 1_000);

test('each answer halves the rate, at the lowest rate it blocks, and time brings the rate back', () => {
  let pace = openPace;
  for (const seconds of [0, 3, 20, 40, 60]) pace = slowDown(pace, after(seconds));
  // The second answer came with the first one.
  expect(pace).toEqual({ slowness: 4, slowTime: after(60), blockedUntil: null });
  expect(slowed(160, slownessAt(pace, after(60)))).toBe(10);
  expect(stateAt(pace, after(61))).toEqual({ state: 'SLOWED', until: after(60 + 4 * 300) });

  expect([359, 360, 660, 1_259, 1_260].map((at) => slownessAt(pace, after(at)))).toEqual([4, 3, 2, 1, 0]);
  expect(stateAt(pace, after(1_260))).toEqual({ state: 'OPEN' });
  expect(slowDown(pace, after(1_260)).slowness).toBe(1);

  const blocked = slowDown(pace, after(80));
  expect(stateAt(blocked, after(81))).toEqual({ state: 'BLOCKED', until: after(80 + 900) });
  expect(stateAt(blocked, after(80 + 900)).state).toBe('SLOWED');
});

test('a limit stays at least one, and a slowed domain without a limit gets one', () => {
  expect([slowed(3, 4), slowed(undefined, 0), slowed(undefined, 1), slowed(undefined, 4)]).toEqual([1, Infinity, 8, 1]);
});

test.each([
  ['421 4.7.0 Try again later', true],
  ['421-Closing', true],
  ['Server terminates connection. response=421 Too many connections', true],
  ['450 4.7.1 Greylisted', true],
  ['451 4.3.0 Disk full', false],
  ['450 4.2.1 Mailbox busy at 421', false],
  ['550 5.7.1 Blocked', false],
])('reads whether an answer asks for less: %s', (response, asks) => {
  expect(asksForLess(response)).toBe(asks);
});
