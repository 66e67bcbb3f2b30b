import type { BulkPace } from './bulk-pace.js';

/** Longest time that work on a file keeps the other calls of the process waiting, in milliseconds. */
const longestMs = 1;

/** A turn on the event loop of work that takes long. */
export class Turn {
  #began = performance.now();

  constructor(private readonly pace: BulkPace) {}

  /** Whether it is the turn of others. */
  get isOver(): boolean {
    return performance.now() - this.#began > longestMs;
  }

  /** Resolves when the others had their turn. */
  async next(): Promise<void> {
    await this.pace.rest(performance.now() - this.#began);
    this.begin();
  }

  /** Begins anew where the others had their turn anyway: a wait is no work to rest from. */
  begin(): void {
    this.#began = performance.now();
  }
}
