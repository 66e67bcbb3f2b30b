import { WakeSignal } from './wake-signal.js';

export interface WorkerPass {
  /** Aborted when the loop stops. */
  signal: AbortSignal;
  /** True when `wake` was called since the previous pass began. */
  isWoken: boolean;
}

export interface WorkerLoopOptions {
  /** One pass. It returns the milliseconds to wait before the next one, or undefined when it found nothing to do. */
  pass: (pass: WorkerPass) => Promise<number | undefined> | Promise<void>;
  /** Wait after a pass that found nothing. */
  intervalMs: number;
  /**
   * Longest wait when many passes in a row found nothing: a quarter of the time since the last one that did, or since
   * the last wake. Absent when the wait is always `intervalMs`.
   */
  quietIntervalMs?: number;
  /** How long to wait after a failed pass: `intervalMs` when absent. */
  retryMs?: number;
  /** Receives the first error of an outage: logging one for each retry would flood the log. */
  onOutage?: (error: unknown) => void;
  /** True when the first pass waits for `intervalMs` too. */
  startsIdle?: boolean;
}

/**
 * Repeats a pass until `stop`: at intervals, at once after `wake`, and again after a failure. Passes never overlap. A failure does not
 * end the loop: the pass reads what is due from the database, so the next one retries.
 */
export class WorkerLoop {
  readonly #stopping = new AbortController();
  readonly #woken = new WakeSignal();
  #isWoken = false;
  #isFailing = false;
  /** Whether the latest pass found nothing, and no other one has begun. */
  #isIdle = false;
  /** When the loop was last woken, or a pass found something to do. */
  #busyMs = performance.now();
  #running: Promise<void> | undefined;

  constructor(private readonly options: WorkerLoopOptions) {}

  /** Whether the latest pass failed. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** Aborted when the loop stops. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Starts the next pass without a wait. During a pass, another one follows it. */
  wake(): void {
    this.#isWoken = true;
    this.#woken.wake();
  }

  /** Wakes the loop if its latest pass found nothing to do. @returns false if it found something, failed or still runs */
  wakeIfIdle(): boolean {
    const isIdle = this.#isIdle;
    if (isIdle) this.wake();
    return isIdle;
  }

  /** Resolves when the running pass has ended. No other one starts. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Ends an outage before the pass ends, for passes that run for as long as all is well. @returns whether there was one */
  succeeded(): boolean {
    const wasFailing = this.#isFailing;
    this.#isFailing = false;
    return wasFailing;
  }

  /** Counts an error of the same work outside a pass. */
  failed(error: unknown): void {
    if (!this.#isFailing && !this.signal.aborted) this.options.onOutage?.(error);
    this.#isFailing = true;
  }

  async #run(): Promise<void> {
    this.#isIdle = this.options.startsIdle ?? false;
    if (this.#isIdle) await this.#wait(this.options.intervalMs);
    while (!this.signal.aborted) await this.#wait(await this.#pass());
  }

  /** @returns the milliseconds to wait after it */
  async #pass(): Promise<number> {
    const { pass, intervalMs, retryMs = intervalMs } = this.options;
    const isWoken = this.#isWoken;
    this.#isWoken = false;
    this.#isIdle = false;
    try {
      const waitMs = await pass({ signal: this.signal, isWoken });
      this.succeeded();
      this.#isIdle = waitMs === undefined;
      return this.#afterPass(waitMs ?? undefined, isWoken);
    } catch (error) {
      this.failed(error);
      // A wake during a pass that failed must not cause retries without a pause.
      this.#isWoken = false;
      return retryMs;
    }
  }

  /** @param waitMs undefined when the pass found nothing to do */
  #afterPass(waitMs: number | undefined, isWoken: boolean): number {
    const { intervalMs, quietIntervalMs = intervalMs } = this.options;
    const nowMs = performance.now();
    if (isWoken || waitMs !== undefined) this.#busyMs = nowMs;
    return waitMs ?? Math.min(Math.max((nowMs - this.#busyMs) / 4, intervalMs), quietIntervalMs);
  }

  async #wait(ms: number): Promise<void> {
    if (ms > 0 && !this.#isWoken) await this.#woken.sleep(ms, this.signal);
  }
}
