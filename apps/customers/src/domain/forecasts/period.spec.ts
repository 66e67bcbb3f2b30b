import { expect, test } from 'vitest';
import { periodOf } from './period.js';

const days = (key: string, fiscalStart = 1) => {
  const { months, last } = periodOf(key, fiscalStart, 'UTC');
  return [months[0].first, last.last, months.length];
};

test.each([
  ['2026-02', 1, '2026-02-01', '2026-02-28', 1],
  ['2024-02', 7, '2024-02-01', '2024-02-29', 1],
  ['2026-Q3', 1, '2026-07-01', '2026-09-30', 3],
  ['2026-Q3', 4, '2026-10-01', '2026-12-31', 3],
  ['2026-Q4', 4, '2027-01-01', '2027-03-31', 3],
  ['2026', 1, '2026-01-01', '2026-12-31', 12],
  ['2026', 12, '2026-12-01', '2027-11-30', 12],
])('%s with a fiscal year from month %d is %s to %s', (key, fiscalStart, first, last, count) => {
  expect(days(key, fiscalStart)).toEqual([first, last, count]);
});

test('a month begins and ends when its days do in the time zone', () => {
  expect(periodOf('2026-03', 1, 'Europe/Berlin').last).toMatchObject({
    ...{ start: '2026-02-28T23:00:00.000Z', end: '2026-03-31T22:00:00.000Z' },
  });
});
