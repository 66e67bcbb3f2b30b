import { expect, test } from 'vitest';
import { tally } from '../tally.ts';

const green = { project: 'edge', passed: 3, failed: 0, skipped: 1 };
const red = { project: 'auth', passed: 2, failed: 2, skipped: 0 };

test('adds up the tests of all projects', () => {
  expect(tally([green, red], [{ project: 'auth', target: 'test' }], 0)).toEqual({ passed: 5, failed: 2, skipped: 1 });
});

test('counts a test run that crashed, a failed lint and a failed check outside nx as one failure each', () => {
  const failedTasks = [
    { project: 'customers', target: 'test' },
    { project: 'auth', target: 'lint' },
  ];

  expect(tally([green], failedTasks, 1).failed).toBe(3);
});

test('counts a failed test once, in whichever target it ran', () => {
  const failedTasks = ['test', 'test-alone', 'test-pure', 'soak'].map((target) => ({ project: red.project, target }));

  expect(tally([red], failedTasks, 0).failed).toBe(red.failed);
});

test('counts a test run that failed although each of its tests passed', () => {
  expect(tally([green], [{ project: 'edge', target: 'test' }], 0).failed).toBe(1);
});
