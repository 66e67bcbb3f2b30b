import { expect, test } from 'vitest';
import { bucketOf, latencyBoundsMs, latencyBuckets } from './latency-buckets.js';

test('a latency is in the first bucket whose bound is not less', () => {
  expect(latencyBoundsMs.slice(0, 4)).toEqual([0.125, 0.1875, 0.25, 0.375]);
  for (const [bucket, bound] of latencyBoundsMs.entries()) {
    expect(bucketOf(bound)).toBe(bucket);
    expect(bucketOf(bound * 1.0001)).toBe(bucket + 1);
  }
  expect([bucketOf(0), bucketOf(Infinity)]).toEqual([0, latencyBuckets - 1]);
});

test('no bucket is wider than half of its lower bound', () => {
  const ratios = latencyBoundsMs.slice(1).map((bound, bucket) => bound / (latencyBoundsMs[bucket] ?? 0));

  expect(new Set(ratios)).toEqual(new Set([1.5, 4 / 3]));
});
