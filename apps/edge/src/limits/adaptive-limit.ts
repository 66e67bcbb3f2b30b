import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How often the limit is adapted, in milliseconds. */
const intervalMs = 500;
/** Fewest slow calls of an interval that say anything, and the part of all calls above which they mean overload. */
const fewestSlow = 5;
const tolerated = 0.1;
/**
 * An event loop that is late by more than this part of a slow call's time means that this process itself is overloaded. A busy but
 * healthy process is late by up to a few milliseconds.
 */
const lateLoop = 0.2;
const tolerableDelayMs = 10;
/** Interval at which the delay of the event loop is measured, in milliseconds. */
const resolutionMs = 20;
/** What is left in an interval of overload: of the calls that were worked on, and of the limit when these are far fewer. */
const decreaseOfUsed = 0.8;
const decreaseOfLimit = 0.5;
/** Parts of the greatest limit: least that is left, and what comes back in an interval without overload. */
const least = 0.01;
const increase = 0.05;

/**
 * How many calls may be worked on at the same time, as learned from how long they take: half as many,
 * but not less than four fifths of those at work, in each interval in which many calls are slow or not answered at all, and
 * a fixed step more in each other one. Additive increase, multiplicative decrease, with a latency in the place of a lost packet.
 * Sources: RFC 5681 section 3.1; AIMDLimit of Netflix's concurrency-limits.
 */
export class AdaptiveLimit {
  readonly #running = new Set<{ startedAt: number }>();
  readonly #loopDelay = monitorEventLoopDelay({ resolution: resolutionMs });
  readonly #timer: NodeJS.Timeout;
  #limit: number;
  #mostRunning = 0;
  #answered = 0;
  #slow = 0;

  /** @param slowCallMs a call that takes longer is a sign of overload */
  constructor(
    private readonly greatest: number,
    private readonly slowCallMs: number,
  ) {
    this.#limit = greatest;
    this.#loopDelay.enable();
    this.#timer = setInterval(() => this.adapt(), intervalMs).unref();
  }

  get current(): number {
    return this.#limit;
  }

  /** @returns to be called when the call is answered; calling it again does nothing */
  watch(): () => void {
    const call = { startedAt: performance.now() };
    this.#running.add(call);
    this.#mostRunning = Math.max(this.#mostRunning, this.#running.size);
    return () => {
      if (!this.#running.delete(call)) return;
      this.#answered += 1;
      if (performance.now() - call.startedAt > this.slowCallMs) this.#slow += 1;
    };
  }

  /** Ends an interval. Called by a timer. */
  adapt(): void {
    const overdue = this.#countOverdue();
    const slow = this.#slow + overdue;
    const isSlow = slow >= fewestSlow && slow > (this.#answered + overdue) * tolerated;
    // An event loop that is late while hardly anybody waits, such as at a start, is no reason to send anybody away.
    const isLate =
      this.#mostRunning >= fewestSlow && this.#meanDelayMs() > Math.max(this.slowCallMs * lateLoop, tolerableDelayMs);
    if (isSlow || isLate) {
      const used = Math.min(this.#limit, this.#mostRunning) * decreaseOfUsed;
      const fewer = Math.floor(Math.max(used, this.#limit * decreaseOfLimit));
      this.#limit = Math.max(Math.ceil(this.greatest * least), fewer);
    } else {
      this.#limit = Math.min(this.greatest, this.#limit + Math.ceil(this.greatest * increase));
    }
    this.#answered = 0;
    this.#slow = 0;
    this.#mostRunning = this.#running.size;
    // The cumulative figures would go blind after a long quiet time.
    this.#loopDelay.reset();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#loopDelay.disable();
  }

  /** Node's histogram holds the time between two measurements, so an idle loop has a mean of the interval itself. */
  #meanDelayMs(): number {
    return this.#loopDelay.mean / 1e6 - resolutionMs;
  }

  /** A frozen service answers nothing that could be measured: what waits too long counts now, and in each interval. */
  #countOverdue(): number {
    const before = performance.now() - this.slowCallMs;
    let count = 0;
    for (const { startedAt } of this.#running) {
      // They are in the order in which they began.
      if (startedAt > before) break;
      count += 1;
    }
    return count;
  }
}
