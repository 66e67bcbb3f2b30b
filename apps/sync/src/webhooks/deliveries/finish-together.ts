import type { EntityManager } from '@mikro-orm/postgresql';
import type { TenantLimit } from '../endpoints/tenant-limit.js';
import { finishReceived, type MadeAttempt } from './finish-attempt.js';

/** An attempt that is not stored yet. */
interface Waiting extends MadeAttempt {
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Stores successful attempts. Attempts of an endpoint that end while others of it are being stored share the next
 * transaction, since each transaction locks the endpoint.
 */
export class ReceivedAttempts {
  /** By endpoint; present while attempts of it are being stored. */
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(
    private readonly fork: () => EntityManager,
    private readonly limit: TenantLimit,
  ) {}

  /** Resolves once the attempt is stored and its delivery has ended. */
  finish(made: MadeAttempt): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { endpointId } = made.attempt.job;
    const waiting = this.#waiting.get(endpointId);
    const entry = { ...made, resolve, reject };
    if (waiting) waiting.push(entry);
    else {
      this.#waiting.set(endpointId, []);
      void this.#write(endpointId, entry);
    }
    return promise;
  }

  async #write(endpointId: string, first: Waiting): Promise<void> {
    let next: Waiting | undefined = first;
    while (next) {
      const group: [Waiting, ...Waiting[]] = [next, ...(this.#waiting.get(endpointId)?.splice(0) ?? [])];
      try {
        await this.limit.run(next.attempt.job.tenantId, () => finishReceived(this.fork(), group));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
      next = this.#waiting.get(endpointId)?.shift();
    }
    this.#waiting.delete(endpointId);
  }
}
