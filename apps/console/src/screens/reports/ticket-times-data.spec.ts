import { expect, test } from 'vitest';
import { timesOf } from './ticket-times-data.ts';

const tickets = new Map([
  ['a', { queueId: 'billing' }],
  ['b', { queueId: 'billing' }],
  ['c', {}],
]);
const timer = (ticketId: string, consumedSeconds: number, state = 'MET', metric = 'RESOLUTION') => ({
  ...{ ticketId, consumedSeconds, state, metric },
});

test('times are grouped by a field of their tickets, with the median, the ninth decile, and what was kept', () => {
  const timers = [
    timer('a', 100),
    timer('b', 300, 'BREACHED'),
    timer('b', 200),
    timer('c', 50),
    timer('a', 9, 'MET', 'X'),
  ];
  expect(timesOf(timers, tickets, 'RESOLUTION', 'queueId')).toEqual([
    { key: 'billing', count: 3, median: 200, p90: 300, kept: 2 / 3 },
    { key: '', count: 1, median: 50, p90: 50, kept: 1 },
  ]);
});
