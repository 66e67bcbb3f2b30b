import { expect, test } from 'vitest';
import { profileShares, type CpuProfile } from '../bench/cpu-profile.ts';

const frame = (id: number, functionName: string, url = '') => ({ id, callFrame: { functionName, url, lineNumber: 9 } });
const here = new URL('../src/main.js', import.meta.url).href;

const profile: CpuProfile = {
  nodes: [
    frame(1, '(idle)'),
    frame(2, 'send', here),
    frame(3, 'parse', 'file:///somewhere/node_modules/@grpc/grpc-js/build/src/call.js'),
    frame(4, 'onread', 'node:internal/stream_base_commons'),
    frame(5, '(garbage collector)'),
  ],
  startTime: 1_000_000,
  samples: [2, 1, 2, 3, 4, 5, 2],
  timeDeltas: [1_000, 1_000, 4_000, 3_000, 2_000, 1_000, 9_000],
};

test('computes shares of the busy time, from the samples in the window only', () => {
  const shares = profileShares(profile, 1_001.5, 1_012, 2);

  expect(shares.busyMs).toBe(10);
  expect(shares.busyShare).toBeCloseTo(10 / 11);
  expect(shares.functions).toEqual([
    { name: 'send', place: 'apps/edge/src/main.js:10', share: 0.4 },
    { name: 'parse', place: '@grpc/grpc-js/build/src/call.js:10', share: 0.3 },
  ]);
});

test('adds up by package, project and part of Node', () => {
  const { packages } = profileShares(profile, 0, 2_000, 9);

  expect(packages.map(({ name }) => name)).toEqual([
    'apps/edge',
    '@grpc/grpc-js',
    'node:stream_base_commons',
    '(garbage collector)',
  ]);
});
