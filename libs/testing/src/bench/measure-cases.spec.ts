import { expect, test } from 'vitest';
import type { BenchCase, Goal, Sample } from './bench-case.js';
import { measureCases, median } from './measure-cases.js';

function side(name: string, samples: Sample[], order: string[] = []) {
  const left = [...samples];
  return {
    name,
    run: () => {
      order.push(name);
      return Promise.resolve(left.shift() ?? { perSecond: NaN });
    },
  };
}

function caseOf(goal: Goal, order: string[] = []): BenchCase {
  const ours = [9_999, 50, 80, 60].map((perSecond) => ({ perSecond, p99Ms: 4 }));
  const theirs = [1, 100, 100, 200].map((perSecond) => ({ perSecond }));
  return {
    name: 'case',
    unit: 'request',
    ours: side('ours', ours, order),
    baselines: [side('bare', theirs, order)],
    goal,
  };
}

test('measures the sides in turn, and ignores the warm-up round', async () => {
  const order: string[] = [];

  const [result] = await measureCases([caseOf({}, order)], 3, () => undefined);

  expect(order).toEqual(['ours', 'bare', 'ours', 'bare', 'ours', 'bare', 'ours', 'bare']);
  expect(result?.ours).toMatchObject({ perSecond: 60, p99Ms: 4, cpuMicros: undefined });
});

test('compares the sides of the same round', async () => {
  const [result] = await measureCases([caseOf({})], 3, () => undefined);

  expect(result?.baselines).toMatchObject([{ name: 'bare', ratio: 0.5, leastRatio: 0.3, mostRatio: 0.8 }]);
  expect(result?.reached).toBeUndefined();
});

test.each([
  [{ leastRatio: { bare: 0.5 }, p99Ms: 5 }, true],
  [{ leastRatio: { bare: 0.51 } }, false],
  [{ leastRatio: { bare: 0.5 }, p99Ms: 4 }, false],
  [{ leastRatio: { 'not measured': 0.1 } }, false],
])('holds %j to be reached: %s', async (goal: Goal, reached) => {
  const [result] = await measureCases([caseOf(goal)], 3, () => undefined);

  expect(result?.reached).toBe(reached);
});

test('computes the median of an even number of values', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
});
