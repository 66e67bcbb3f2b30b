import type { AppError } from '@rapport/platform';
import { deadlineExceeded, endOf } from '../call-ends.js';
import type { Footing } from './floors.js';
import type { KeptAnswer } from './kept-answer.js';

export interface Landed {
  loaded: KeptAnswer;
  stored: boolean;
  /** True when another edge had loaded it. */
  isShared: boolean;
}

/** One load under way and those who wait for it. It is cancelled when the last of them has gone. */
export class Flight {
  readonly #landed: Promise<Landed>;
  readonly #abandoned = new AbortController();
  #waiting = 0;

  constructor(
    /** By `performance.now()`. */
    readonly startedAt: number,
    readonly footing: Footing,
    fetch: (flight: Flight, signal: AbortSignal) => Promise<Landed>,
    /** True while the flight may still end with an answer that another edge loaded earlier, instead of one from the service. */
    public mayBeShared: boolean,
  ) {
    this.#landed = fetch(this, this.#abandoned.signal);
  }

  /** True when everybody has gone: its end is that it was cancelled. */
  get isAbandoned(): boolean {
    return this.#abandoned.signal.aborted;
  }

  /**
   * @param signal aborts when the client has gone
   * @param mostMs time left for this request; others that wait for the same load may have more
   */
  wait(signal: AbortSignal, mostMs: number): Promise<Landed> {
    this.#waiting++;
    return new Promise((resolve, reject) => {
      const leave = (error: AppError) => {
        stay();
        if (--this.#waiting === 0) this.#abandoned.abort(error);
        reject(error);
      };
      const goWithClient = () => leave(endOf(signal));
      const timer = setTimeout(() => leave(deadlineExceeded()), mostMs);
      const stay = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', goWithClient);
      };
      signal.addEventListener('abort', goWithClient, { once: true });
      void this.#landed.finally(stay).then(resolve, reject);
    });
  }

  onEnd(done: () => void): void {
    this.#landed.then(done, done);
  }
}
