import { describe, expect, it } from 'vitest';
import { figuresOf, lastSeconds, operationsOf, percentile, type Frame } from './figures.ts';

const frameOf = (second: number, operation: string, of: Partial<Frame['operations'][number]>): Frame => ({
  time: new Date(second * 1_000).toISOString(),
  durationMs: 1_000,
  partial: false,
  latencyBoundsMs: [1, 2, 4],
  services: [],
  operations: [
    {
      operation,
      ...{ requests: 0, clientErrors: 0, serverErrors: 0, shed: 0, cacheHits: 0, cacheMisses: 0, notModified: 0 },
      latencyCounts: [],
      ...of,
    },
  ],
});

describe('the traffic', () => {
  it('counts each request once: cache, not modified, service or refused', () => {
    const figures = figuresOf([
      frameOf(1, 'GetCustomer', { requests: 100, cacheHits: 60, cacheMisses: 20, notModified: 15, shed: 10 }),
    ]);
    expect(figures).toMatchObject({ requests: 100, cache: 45, notModified: 15, refused: 10, service: 30 });
    expect(figures.cache + figures.notModified + figures.refused + figures.service).toBe(100);
  });

  it('finds a percentile within its bucket, and none above the last bound or of nothing', () => {
    expect(percentile([10, 10], [1, 2, 4], 0.5)).toBe(1);
    expect(percentile([0, 0, 10], [1, 2, 4], 0.5)).toBe(3);
    expect(percentile([1, 0, 0, 9], [1, 2, 4], 0.95)).toBe(Infinity);
    expect(percentile([], [1, 2, 4], 0.95)).toBeUndefined();
  });

  it('adds buckets of frames up, which can leave out the last ones', () => {
    const frames = [
      frameOf(1, 'A', { requests: 1, latencyCounts: [1] }),
      frameOf(2, 'A', { requests: 2, latencyCounts: [0, 0, 2] }),
      frameOf(3, 'B', { requests: 9, latencyCounts: [9] }),
    ];
    expect(operationsOf(frames, 3)).toMatchObject([
      { operation: 'B', parts: [0, 0, 9] },
      { operation: 'A', parts: [1, 2, 0], sum: { latencies: [1, 0, 2] } },
    ]);
  });

  it('shows the last seconds before the newest frame', () => {
    const frames = [1, 2, 3, 9, 10].map((second) => frameOf(second, 'A', {}));
    expect(lastSeconds(frames, 3)).toEqual(frames.slice(3));
    expect(lastSeconds([], 3)).toEqual([]);
  });
});
