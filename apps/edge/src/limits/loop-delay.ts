import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Interval at which it is measured, in milliseconds. */
const resolutionMs = 20;

/** One monitor for all readers: each monitor measures 50 times a second. */
const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
let readers = 0;

/** The event-loop delay of this process, measured while there is at least one reader. */
export class LoopDelay {
  #isEnded = false;
  /** The measurements up to this reader's last call: their number, and their sum in nanoseconds. */
  #taken: { count: number; sum: number };

  constructor() {
    readers += 1;
    if (readers === 1) histogram.enable();
    this.#taken = measured();
  }

  /**
   * Mean since the last call, in milliseconds: a cumulative mean hardly moves after a long quiet time. 0 when nothing was
   * measured.
   */
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
