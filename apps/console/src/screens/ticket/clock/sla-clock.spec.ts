import { expect, test } from 'vitest';
import { clockOf, leftText, secondsOf, typedOf } from './sla-clock.ts';

const hour = 3_600_000;
const running = { state: 'RUNNING', start: 0, due: 4 * hour };

test('a clock says how much is left, and turns in its last quarter and at its end', () => {
  expect(clockOf(running, hour)).toEqual({ tone: 'calm', leftSeconds: 3 * 3_600, used: 0.25 });
  expect(clockOf(running, 3 * hour)).toMatchObject({ tone: 'soon', leftSeconds: 3_600 });
  expect(clockOf(running, 4 * hour)).toMatchObject({ tone: 'late', leftSeconds: 0 });
  expect(clockOf(running, 5 * hour)).toMatchObject({ tone: 'late', leftSeconds: -3_600, used: 1 });
});

test('a paused clock stands at what is left, and one that is done has nothing left', () => {
  expect(clockOf({ state: 'PAUSED', start: 0, remainingSeconds: 90 }, 5 * hour)).toEqual({
    tone: 'paused',
    leftSeconds: 90,
    used: 0,
  });
  expect(clockOf({ ...running, state: 'BREACHED', end: 4.5 * hour }, 9 * hour)).toMatchObject({ leftSeconds: -1_800 });
  expect(clockOf({ ...running, state: 'MET' }, 9 * hour)).toEqual({ tone: 'met', used: 1 });
});

test('a time is written in its two largest units', () => {
  expect([10_680, -540, 93_600, 172_800, 72, 0].map((seconds) => leftText(seconds, 'en'))).toEqual([
    ...['2 hr 58 min', '9 min', '1 day 2 hr', '2 days', '1 min 12 sec', '0 sec'],
  ]);
  expect(leftText(10_680, 'zh-CN')).toBe('2小时 58分钟');
});

test('a time is typed as it is said', () => {
  expect(['4h', '1d 2h', '30', '90 min', '1.5h', 'soon', ''].map(secondsOf)).toEqual([
    ...[14_400, 93_600, 1_800, 5_400, 5_400, undefined, undefined],
  ]);
  expect([14_400, 93_600, 90, 0].map(typedOf)).toEqual(['4h', '1d 2h', '1m 30s', '']);
});
