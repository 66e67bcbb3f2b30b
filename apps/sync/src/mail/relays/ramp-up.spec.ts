import { expect, test } from 'vitest';
import { rampDayAt } from './ramp-up.js';

const startTime = '2026-03-28T12:00:00.000Z';

function at(hours: number): Date {
  return new Date(Date.parse(startTime) + hours * 3_600_000);
}

test('the limit grows by its percentage each 24 hours, and ends when it is large enough', () => {
  const rampUp = { firstPerDay: 50, growthPercent: 50, untilPerDay: 400, startTime };
  const limits = [0, 23.9, 24, 48, 72, 96, 120, 144].map((hours) => rampDayAt(rampUp, at(hours)).limit);

  expect(limits).toEqual([50, 50, 75, 112, 168, 252, 378, undefined]);
  expect(rampDayAt(rampUp, at(30))).toMatchObject({ day: 1, end: at(48) });
});

test('a small limit grows by 1, and that of the first day holds before the start', () => {
  const rampUp = { firstPerDay: 3, growthPercent: 1, untilPerDay: 10_000_000, startTime };

  expect([-100, -1, 0, 24, 48].map((hours) => rampDayAt(rampUp, at(hours)).limit)).toEqual([3, 3, 3, 4, 5]);
  expect(rampDayAt(rampUp, at(-1))).toMatchObject({ day: -1, end: at(0) });
  expect(rampDayAt(rampUp, at(24 * 100_000)).limit).toBeUndefined();
});
