type Checks = Readonly<Record<string, () => Promise<unknown>>>;

/** What is asked of a process before it gets work, by name. Each rejects when what it asks for is not there. */
export interface ReadinessChecks {
  /** What it can do nothing without. */
  needed?: Checks;
  /** Needed at first. Later all replicas lack it at once, and each can still do something without it: its lack is told only. */
  neededAtStart?: Checks;
  /** What is late, which is told only: it gets no quicker with fewer processes. */
  watched?: Checks;
}

/** Whether a process should get work, and what it lacks. */
export interface ReadinessState {
  isReady: boolean;
  missing: string[];
}

/** Whether this process should get work: it is not draining and what it needs answers. */
export class Readiness {
  #isDraining = false;
  #hasStarted = false;

  constructor(private readonly checks: ReadinessChecks) {}

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** From now on not ready, for good. */
  drain(): void {
    this.#isDraining = true;
  }

  async state(): Promise<ReadinessState> {
    if (this.#isDraining) return { isReady: false, missing: ['draining'] };
    const { needed = {}, neededAtStart = {}, watched = {} } = this.checks;
    const [away, awayAtStart, late] = await Promise.all([failing(needed), failing(neededAtStart), failing(watched)]);
    this.#hasStarted ||= awayAtStart.length === 0;
    return { isReady: away.length === 0 && this.#hasStarted, missing: [...away, ...awayAtStart, ...late] };
  }
}

async function failing(checks: Checks): Promise<string[]> {
  const results = Object.entries(checks).map(async ([name, check]) =>
    check().then(
      () => [],
      () => [name],
    ),
  );
  return (await Promise.all(results)).flat();
}
