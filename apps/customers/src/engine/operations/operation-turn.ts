/** To come back to where an operation was takes time, since its file is read again: a turn is so many times longer. */
const leastPerReturn = 4;

/** The turn of an operation with a worker for which others wait. */
export class OperationTurn {
  readonly began = performance.now();
  readonly #end = new AbortController();
  #arrivedAt = Number.POSITIVE_INFINITY;
  #gotFurther = false;

  /** @param leastMs how long it is at least, from its first step on */
  constructor(private readonly leastMs: number) {}

  /** Aborted when the turn is ended. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Whether others may have theirs. Never before the operation got further. */
  get isOver(): boolean {
    const returnMs = this.#arrivedAt - this.began;
    const mostMs = Math.max(this.leastMs, leastPerReturn * returnMs);
    return this.#gotFurther && performance.now() - this.#arrivedAt >= mostMs;
  }

  /** The operation is where it was, and its next step begins. */
  stepBegins(): void {
    if (this.#arrivedAt === Number.POSITIVE_INFINITY) this.#arrivedAt = performance.now();
  }

  stepDone(): void {
    this.#gotFurther = true;
  }

  end(): void {
    this.#end.abort();
  }
}
