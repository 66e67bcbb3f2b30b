import type { BegunRecipient, SettledRecipient } from '@rapport/contracts/rapport/marketing/v1/campaign_outbox_service';
import { persist } from '../sending/settling.js';

/** Most outcomes, and most beginnings, of a call. */
const most = 500;

/** Records outcomes, and begins recipients. @returns ids of recipients that must not be sent to */
export type RecordRecipients = (
  items: readonly SettledRecipient[],
  begun: readonly BegunRecipient[],
) => Promise<ReadonlySet<string>>;

interface Beginning extends BegunRecipient {
  resolve: (isOurs: boolean) => void;
  reject: (error: unknown) => void;
}

/**
 * Records which recipients of a claim are begun, before they are sent to, and their outcomes. One call at a time has all that
 * waits: an outcome is never later than the next beginning of its connection, so that a process that dies leaves at most one
 * recipient without an outcome for each connection.
 */
export class RecipientLedger {
  #items: SettledRecipient[] = [];
  #begun: Beginning[] = [];
  #running: Promise<void> | undefined;
  #failure: { cause: unknown } | undefined;

  constructor(private readonly record: RecordRecipients) {}

  /** @returns whether the recipient can be sent to */
  begin(recipient: BegunRecipient): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#begun.push({ ...recipient, resolve, reject });
    this.#start();
    return promise;
  }

  settle(item: SettledRecipient): void {
    this.#items.push(item);
    this.#start();
  }

  /** Resolves when all outcomes are recorded. @throws Error for those that were not: their recipients become UNKNOWN */
  async end(): Promise<void> {
    while (this.#running) await this.#running;
    if (this.#failure) throw this.#failure.cause;
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  async #run(): Promise<void> {
    // What the connections have to record in this turn of the event loop goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#items.length > 0 || this.#begun.length > 0) {
      await this.#call(this.#items.splice(0, most), this.#begun.splice(0, most));
    }
  }

  async #call(items: readonly SettledRecipient[], beginnings: readonly Beginning[]): Promise<void> {
    const begun = beginnings.map(({ recipientId, attempt }) => ({ recipientId, attempt }));
    try {
      const refused = await persist(() => this.record(items, begun));
      for (const { recipientId, resolve } of beginnings) resolve(!refused.has(recipientId));
    } catch (cause) {
      this.#failure ??= { cause };
      for (const { reject } of beginnings) reject(cause);
    }
  }
}
