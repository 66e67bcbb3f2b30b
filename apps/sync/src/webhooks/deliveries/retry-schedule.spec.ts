import { expect, it } from 'vitest';
import { serviceVariables } from '../../serve/configuration.js';
import { RetrySchedule } from './retry-schedule.js';

const schedule = new RetrySchedule([5, 300]);

it('waits as the schedule says, and up to a tenth longer', () => {
  expect([schedule.waitMs(1, 0), schedule.waitMs(2, 1)]).toEqual([5_000, 330_000]);
});

it('gives up after the last', () => {
  expect(schedule.waitMs(3)).toBeUndefined();
});

it('lets a delivery be retried for 75 hours by default', () => {
  const seconds = serviceVariables.RETRY_SCHEDULE_SECONDS.parse(undefined);

  // A sum of settings: nothing is measured.
  expect(seconds.reduce((sum, each) => sum + each, 0)).toBeGreaterThanOrEqual(75 * 3_600);
});
