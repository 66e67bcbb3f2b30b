/** Outcomes of a call. */
const most = 50;

/** How often outcomes are recorded while a batch is sent, in milliseconds. */
const everyMs = 50;

/** Delays between attempts to record outcomes, in milliseconds: together less than a claim lasts. */
const recordRetryMs: readonly number[] = [200, 1_000, 5_000, 15_000, 30_000, 60_000];

/** Records the outcomes of a batch, a few at a time, in the order in which they come. */
export class Settling<Item> {
  readonly #items: Item[] = [];
  #running: Promise<void> | undefined;
  #failure: { cause: unknown } | undefined;

  constructor(
    private readonly record: (items: readonly Item[]) => Promise<void>,
    private readonly pauseMs = everyMs,
  ) {}

  add(item: Item): void {
    this.#items.push(item);
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  /** Resolves when all outcomes are recorded. @throws Error for those that were not: their messages become UNKNOWN */
  async end(): Promise<void> {
    while (this.#running) await this.#running;
    if (this.#failure) throw this.#failure.cause;
  }

  async #run(): Promise<void> {
    await wait(this.pauseMs);
    while (this.#items.length > 0) await this.#record(this.#items.splice(0, most));
  }

  async #record(items: readonly Item[]): Promise<void> {
    await persist(() => this.record(items)).catch((cause: unknown) => (this.#failure ??= { cause }));
  }
}

/** Makes a call again until it succeeds. @throws Error of the last attempt */
export async function persist<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (const delayMs of recordRetryMs) {
    try {
      return await call();
    } catch {
      // The next attempt has the error of an outage.
      await wait(delayMs);
    }
  }
  return call();
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
