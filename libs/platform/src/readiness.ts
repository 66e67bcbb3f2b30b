/** Whether this process should get work: it is not draining and what it needs answers. */
export class Readiness {
  #draining = false;

  /** @param checks by name; each rejects when what it checks can't be used */
  constructor(private readonly checks: Readonly<Record<string, () => Promise<unknown>>>) {}

  /** From now on not ready, for good. */
  drain(): void {
    this.#draining = true;
  }

  /** Names of what is not ready: none when the process is ready. */
  async failures(): Promise<string[]> {
    if (this.#draining) return ['draining'];
    const results = await Promise.all(
      Object.entries(this.checks).map(async ([name, check]) =>
        check().then(
          () => [],
          () => [name],
        ),
      ),
    );
    return results.flat();
  }
}
