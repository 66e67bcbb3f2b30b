/**
 * Upper bounds of the latency buckets in milliseconds, two for each doubling, from 0.125 ms to 12.3 s. One more bucket has what takes
 * longer. Edges of two releases add their buckets up: other bounds need other names in Redis (see `RedisTraffic`).
 */
export const latencyBoundsMs: readonly number[] = Array.from(
  { length: 34 },
  (_, index) => 2 ** (Math.floor(index / 2) - 3) * (index % 2 === 0 ? 1 : 1.5),
);

/** Number of buckets, with that above all bounds. */
export const latencyBuckets = latencyBoundsMs.length + 1;

/** The bucket of a latency: the first whose bound is not less. @returns its index */
export function bucketOf(ms: number): number {
  let [low, high] = [0, latencyBoundsMs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ms <= (latencyBoundsMs[middle] ?? Infinity)) high = middle;
    else low = middle + 1;
  }
  return low;
}
