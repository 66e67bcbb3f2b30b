import { expect, test } from 'vitest';
import { timesOf } from './ticket-times-data.ts';

const times = (metric: string, timerCount: number, keptCount: number, p90Seconds: number) => ({
  ...{ metric, timerCount, keptCount, consumed: { medianSeconds: 60, p90Seconds } },
});
const report = {
  rows: [
    { key: 'billing', metrics: [times('RESOLUTION', 2, 2, 100)] },
    { key: 'returns', metrics: [times('RESOLUTION', 3, 2, 300), times('FIRST_RESPONSE', 1, 1, 9)] },
    { metrics: [times('RESOLUTION', 1, 0, 50)] },
    { key: 'sales', metrics: [] },
  ],
};

test('the groups that have timers of a metric are in the order of their ninth decile, with the share that was kept', () => {
  expect(timesOf(report, 'RESOLUTION', 'QUEUE')).toEqual([
    { key: 'returns', count: 3, median: 60, p90: 300, kept: 2 / 3 },
    { key: 'billing', count: 2, median: 60, p90: 100, kept: 1 },
    { key: '', count: 1, median: 60, p90: 50, kept: 0 },
  ]);
});

test('weeks are in their order', () => {
  expect(timesOf(report, 'RESOLUTION', 'WEEK').map(({ key }) => key)).toEqual(['billing', 'returns', '']);
});
