/** Whether a process should get work, and what it lacks. */
export interface ReadinessState {
  isReady: boolean;
  missing: string[];
}

/** Whether this process should get work: it is not draining and what it needs answers. */
export class Readiness {
  #isDraining = false;
  #wasReady = false;

  /**
   * @param checks by name; each rejects when what it checks can't be used
   * @param onlyAtStart what is missing later is told, and takes no work away: for what all replicas lack at once, while each can
   *   still do something without it
   */
  constructor(
    private readonly checks: Readonly<Record<string, () => Promise<unknown>>>,
    private readonly onlyAtStart = false,
  ) {}

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** From now on not ready, for good. */
  drain(): void {
    this.#isDraining = true;
  }

  async state(): Promise<ReadinessState> {
    if (this.#isDraining) return { isReady: false, missing: ['draining'] };
    const results = await Promise.all(
      Object.entries(this.checks).map(async ([name, check]) =>
        check().then(
          () => [],
          () => [name],
        ),
      ),
    );
    const missing = results.flat();
    this.#wasReady ||= missing.length === 0;
    return { isReady: missing.length === 0 || (this.onlyAtStart && this.#wasReady), missing };
  }
}
