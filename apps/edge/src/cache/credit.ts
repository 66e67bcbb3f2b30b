/** Requests by which a reader says how much more it takes: the first, and then whenever half of it is used up. */
export class Credit<Request extends { credit: number }> {
  readonly #size: number;
  #used = 0;
  #due = Promise.withResolvers<void>();

  /** @param more makes a request that gives an amount of credit */
  constructor(
    private readonly first: Request,
    private readonly more: (amount: number) => Request,
  ) {
    this.#size = first.credit;
  }

  /** Gives back what was used. */
  give(amount: number): void {
    this.#used += amount;
    if (this.#used * 2 >= this.#size) this.#due.resolve();
  }

  async *requests(): AsyncGenerator<Request> {
    yield this.first;
    for (;;) {
      await this.#due.promise;
      this.#due = Promise.withResolvers();
      const amount = this.#used;
      this.#used = 0;
      yield this.more(amount);
    }
  }
}
