/**
 * A turn lasts at least this many times as long as resuming took, since an import reads its file again from the start.
 */
const leastPerReturn = 4;

/** The time slice of an operation in a worker. The worker ends it only if other operations wait. */
export class OperationTurn {
  readonly began = performance.now();
  readonly #end = new AbortController();
  #arrivedAt = Number.POSITIVE_INFINITY;
  #gotFurther = false;
  #isHeld = false;

  /** @param leastMs minimum duration from its first step on, in milliseconds */
  constructor(private readonly leastMs: number) {}

  /** Aborted when the turn is ended. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Whether the turn may end. Never before the operation has made progress. */
  get isOver(): boolean {
    const returnMs = this.#arrivedAt - this.began;
    const mostMs = Math.max(this.leastMs, leastPerReturn * returnMs);
    return !this.#isHeld && this.#gotFurther && performance.now() - this.#arrivedAt >= mostMs;
  }

  /** Marks the start of a step. The first one ends the resuming. */
  stepBegins(): void {
    if (this.#arrivedAt === Number.POSITIVE_INFINITY) this.#arrivedAt = performance.now();
  }

  stepDone(): void {
    this.#gotFurther = true;
  }

  /** Prevents the end of the turn: for work that would have to start again. */
  hold(): void {
    this.#isHeld = true;
  }

  end(): void {
    this.#end.abort();
  }
}
