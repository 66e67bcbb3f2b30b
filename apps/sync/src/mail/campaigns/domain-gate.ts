import type { EntityManager } from '@mikro-orm/postgresql';
import { admit, endUses, type WantedUse } from '../limits/domain-room.js';
import { Settling } from '../sending/settling.js';

interface Waiting extends WantedUse {
  resolve: (waitSeconds: number | undefined) => void;
  reject: (error: unknown) => void;
}

/** Lets the e-mails of a claim to limited domains begin as far as there is room. Those to other domains pass at once. */
export class DomainGate {
  readonly #entered = new Set<string>();
  readonly #ends = new Settling<WantedUse & { slowedBy?: string }>(
    (ended) => endUses(this.em, this.tenantId, ended),
    0,
  );
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(
    private readonly em: EntityManager,
    private readonly tenantId: string,
    private readonly limited: ReadonlySet<string>,
  ) {}

  /** @returns undefined if the e-mail has a place, or else when to try again, in seconds */
  enter(use: WantedUse): Promise<number | undefined> {
    if (!this.limited.has(use.domain)) return Promise.resolve(undefined);
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    this.#waiting.push({ ...use, resolve, reject });
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return promise;
  }

  /** Gives the place of an e-mail back. @param slowedBy an answer that asks for fewer e-mails */
  leave({ recipientId: id, domain }: { recipientId: string; domain: string }, slowedBy: string | undefined): void {
    if (this.#entered.delete(id)) this.#ends.add({ id, domain, ...(slowedBy !== undefined && { slowedBy }) });
  }

  /** Resolves when all places are given back. */
  end(): Promise<void> {
    return this.#ends.end();
  }

  async #run(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const wanted = this.#waiting.splice(0);
      try {
        const { admitted, waitSeconds } = await admit(this.em, this.tenantId, wanted);
        for (const { id } of wanted) if (admitted.has(id)) this.#entered.add(id);
        for (const { id, resolve } of wanted) resolve(waitSeconds.get(id));
      } catch (error) {
        for (const { reject } of wanted) reject(error);
      }
    }
  }
}
