type Checks = Readonly<Record<string, () => Promise<unknown>>>;

/** Checks that a process must pass before it accepts work, by name. Each rejects when it fails. */
export interface ReadinessChecks {
  /** Dependencies without which the process can do nothing. */
  needed?: Checks;
  /**
   * Dependencies that must be there at the start. Later, all replicas lose them at once, and each can still do some
   * work without them: a failure is reported, but the process stays ready.
   */
  neededAtStart?: Checks;
  /** The same for dependencies that most work does without: a start waits for them, but only for half a minute. */
  awaitedAtStart?: Checks;
  /** What may lag. It is reported only: fewer ready processes would not catch up faster. */
  watched?: Checks;
}

/** How long a start waits for what most work does without, in milliseconds: clients that can connect have by then. */
const startWaitMs = 30_000;

/** Whether a process accepts work, and its failing checks. */
export interface ReadinessState {
  isReady: boolean;
  missing: string[];
}

/** Whether this process accepts work: it is not draining and its dependencies answer. */
export class Readiness {
  #isDraining = false;
  #hasStarted = false;
  readonly #waitEndMs = performance.now() + startWaitMs;
  readonly #onDrain: (() => void)[] = [];

  constructor(private readonly checks: ReadinessChecks) {}

  /** Calls back when the process begins to drain, so that nothing asks about it at each request. */
  onDrain(begin: () => void): void {
    this.#onDrain.push(begin);
  }

  /** Makes the process not ready for the rest of its life. */
  drain(): void {
    this.#isDraining = true;
    for (const begin of this.#onDrain.splice(0)) begin();
  }

  async state(): Promise<ReadinessState> {
    if (this.#isDraining) return { isReady: false, missing: ['draining'] };
    const { needed = {}, neededAtStart = {}, awaitedAtStart = {}, watched = {} } = this.checks;
    const [away, awayAtStart, awaited, late] = await Promise.all(
      [needed, neededAtStart, awaitedAtStart, watched].map(failing) as [Failing, Failing, Failing, Failing],
    );
    const isWaiting = awaited.length > 0 && performance.now() < this.#waitEndMs;
    this.#hasStarted ||= awayAtStart.length === 0 && !isWaiting;
    return { isReady: away.length === 0 && this.#hasStarted, missing: [...away, ...awayAtStart, ...awaited, ...late] };
  }
}

type Failing = Promise<string[]>;

async function failing(checks: Checks): Failing {
  const results = Object.entries(checks).map(async ([name, check]) =>
    check().then(
      () => [],
      () => [name],
    ),
  );
  return (await Promise.all(results)).flat();
}
