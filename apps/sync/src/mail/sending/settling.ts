import type { SettledMessage } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import type { Outbox } from './outbox.js';

/** Outcomes of a call. */
const most = 50;

/** How often outcomes are recorded while a batch is sent, in milliseconds. */
const everyMs = 50;

/** Delays between attempts to record outcomes, in milliseconds: together less than a claim lasts. */
const retryMs = [200, 1_000, 5_000, 15_000, 30_000, 60_000];

/** Records the outcomes of a batch, a few at a time, in the order in which they come. */
export class Settling {
  readonly #items: SettledMessage[] = [];
  #running: Promise<void> | undefined;
  #failure: { cause: unknown } | undefined;

  constructor(
    private readonly outbox: Pick<Outbox, 'settle'>,
    private readonly tenantId: string,
    private readonly pauseMs = everyMs,
  ) {}

  add(item: SettledMessage): void {
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

  async #record(items: readonly SettledMessage[]): Promise<void> {
    for (const delayMs of [...retryMs, undefined]) {
      try {
        return await this.outbox.settle(this.tenantId, items);
      } catch (cause) {
        if (delayMs === undefined) this.#failure ??= { cause };
        else await wait(delayMs);
      }
    }
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
