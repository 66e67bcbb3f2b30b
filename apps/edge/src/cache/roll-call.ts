/** Who must still acknowledge an invalidation. */
export class RollCall {
  readonly #answered = new Set<string>();
  readonly #complete = Promise.withResolvers<void>();
  #missing: Set<string> | undefined;

  /**
   * Says who must answer.
   *
   * @param leases ids of edges, each followed by what is left of its lease, in milliseconds
   * @returns how long the answer of the last of them is worth waiting for, in milliseconds
   */
  call(leases: readonly (Buffer | number)[]): number {
    let longestMs = 0;
    this.#missing = new Set();
    for (let index = 0; index < leases.length; index += 2) {
      const edgeId = String(leases[index]);
      if (this.#answered.has(edgeId)) continue;
      this.#missing.add(edgeId);
      longestMs = Math.max(longestMs, Number(leases[index + 1]));
    }
    return longestMs;
  }

  answer(edgeId: string): void {
    this.#answered.add(edgeId);
    this.#missing?.delete(edgeId);
    if (this.#missing?.size === 0) this.#complete.resolve();
  }

  /** Resolves when all have answered, or after the delay, in milliseconds. */
  async end(delayMs: number): Promise<void> {
    if (delayMs <= 0) return;
    const timer = setTimeout(() => this.#complete.resolve(), delayMs);
    await this.#complete.promise;
    clearTimeout(timer);
  }
}
