const limitsMs = { first: 1_000, most: 10_000 };

/**
 * The pauses of a worker that is woken when there is work: they grow while it finds none. Work that another process has
 * caused waits for the end of a pause.
 */
export class IdlePace {
  #pauseMs = limitsMs.first;

  constructor(private readonly mostMs = limitsMs.most) {}

  /** @returns the pause after a look, in milliseconds */
  after({ isBusy }: { isBusy: boolean }): number {
    const pauseMs = isBusy ? limitsMs.first : this.#pauseMs;
    this.#pauseMs = Math.min(2 * pauseMs, this.mostMs);
    return pauseMs;
  }
}
