import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AdaptiveLimit } from './places.js';

/** The measured value of a loop that is never late, in milliseconds: the time between two measurements. */
const idleMs = 20;

/** A limit after some calls on a quiet loop, which a second monitor confirms. It may take several tries. */
async function inQuietLoop(slowCallMs: number): Promise<AdaptiveLimit> {
  for (;;) {
    const limit = new AdaptiveLimit(1_000, slowCallMs);
    const seen = monitorEventLoopDelay({ resolution: idleMs });
    seen.enable();
    for (let call = 0; call < 5; call += 1) limit.watch();
    while (seen.count < 5) await turn();
    seen.disable();
    if (seen.mean / 1e6 < idleMs + 2) return limit;
    limit.close();
  }
}

// No call of a test is slow: their clock stands still.
beforeEach(() => vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] }));
afterEach(() => vi.useRealTimers());

test.each([10, 50, 100])(
  'a limit whose slow calls take %d ms does not fall while the loop is quiet',
  async (slowMs) => {
    const limit = await inQuietLoop(slowMs);

    limit.adapt();

    expect(limit.current).toBe(1_000);
    limit.close();
  },
);
