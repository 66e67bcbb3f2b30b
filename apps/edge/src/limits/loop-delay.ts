import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Interval at which it is measured, in milliseconds. */
const resolutionMs = 20;

/** One for all: each measures 50 times a second. */
const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
let readers = 0;

/** How late the event loop of this process is, as measured while at least one reader is there. */
export class LoopDelay {
  #isEnded = false;
  /** What had been measured when this reader took last: how often, and the sum in nanoseconds. */
  #taken: { count: number; sum: number };

  constructor() {
    readers += 1;
    if (readers === 1) histogram.enable();
    this.#taken = measured();
  }

  /** Mean since it was taken last, in milliseconds: the cumulative one would go blind after a long quiet time. 0 when nothing was measured. */
  takeMeanMs(): number {
    const [before, now] = [this.#taken, measured()];
    this.#taken = now;
    const count = now.count - before.count;
    // Node's histogram holds the time between two measurements, so an idle loop has a mean of the interval itself.
    return count === 0 ? 0 : (now.sum - before.sum) / count / 1e6 - resolutionMs;
  }

  /** Calling it again does nothing. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    readers -= 1;
    if (readers > 0) return;
    histogram.disable();
    histogram.reset();
  }
}

function measured(): { count: number; sum: number } {
  const { count, mean } = histogram;
  return { count, sum: count === 0 ? 0 : mean * count };
}
