import type { BulkPace } from './bulk-pace.js';

/** Longest time that work on a file blocks other calls of the process, in milliseconds. */
const longestMs = 1;

/** A turn of long work on the event loop. */
export class Turn {
  #began = performance.now();

  constructor(private readonly pace: BulkPace) {}

  /** Whether the turn has ended. */
  get isOver(): boolean {
    return performance.now() - this.#began > longestMs;
  }

  /** Yields to other work. */
  async next(): Promise<void> {
    await this.pace.rest(performance.now() - this.#began);
    this.begin();
  }

  /** Restarts the turn after a wait, during which others could run: a wait does not count as work. */
  begin(): void {
    this.#began = performance.now();
  }
}
