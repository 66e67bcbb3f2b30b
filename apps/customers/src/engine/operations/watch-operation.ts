import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { Operation as OperationMessage } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { refusalOf } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { delayUnlessAborted } from '../pace/delay-unless-aborted.js';
import { hasEnded, operationMessage } from './operation-message.js';
import { readOperation } from './read-operation.js';

/** Poll interval in milliseconds: `perWatcher` for each watcher of the process, and not below `least`. */
const pollMs = { least: 300, perWatcher: 10 };

/** Most concurrent watchers of one process, and of one tenant in it. */
const maxWatching = { inAll: 500, perTenant: 100 };

/** Streams the state of an operation until it ends, the reader leaves, or the process stops. */
@Injectable()
export class OperationWatcher implements OnModuleDestroy {
  readonly #stopping = new AbortController();
  readonly #watching = new Map<string, number>();
  #watchers = 0;

  constructor(private readonly em: EntityManager) {}

  /** Handles WatchOperation. */
  watch(id: string): AsyncIterable<OperationMessage> {
    const gone = new AbortController();
    const changes = this.#changes(id, AbortSignal.any([gone.signal, this.#stopping.signal]));
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => changes.next(),
        // Wakes the generator, which may wait for a change for a day.
        return: () => {
          gone.abort();
          return changes.return();
        },
      }),
    };
  }

  async *#changes(id: string, end: AbortSignal): AsyncGenerator<OperationMessage, void> {
    const { tenantId } = currentCaller();
    const ofTenant = this.#watching.get(tenantId) ?? 0;
    if (ofTenant >= maxWatching.perTenant || this.#watchers >= maxWatching.inAll) {
      throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_WATCHERS', 'Too many watchers of operations. Poll instead.', {
        retryAfterSeconds: 10,
      });
    }
    this.#count(tenantId, 1);
    try {
      yield* this.#untilEnded(id, end);
    } finally {
      this.#count(tenantId, -1);
    }
    if (this.#stopping.signal.aborted) {
      throw new AppError('UNAVAILABLE', 'SERVICE_STOPPING', 'The service stops. Watch again.', {
        retryAfterSeconds: 1,
      });
    }
  }

  #count(tenantId: string, more: 1 | -1): void {
    this.#watchers += more;
    const ofTenant = (this.#watching.get(tenantId) ?? 0) + more;
    if (ofTenant > 0) this.#watching.set(tenantId, ofTenant);
    else this.#watching.delete(tenantId);
  }

  async *#untilEnded(id: string, end: AbortSignal): AsyncGenerator<OperationMessage, void> {
    let sent = Buffer.alloc(0);
    while (!end.aborted) {
      const operation = await readOperation(this.em, id).catch((error: unknown) => {
        // All connections of the tenant are in use: the next poll may get one.
        if (sent.length === 0 || !refusalOf(error)) throw error;
      });
      if (operation) {
        const message = operationMessage(operation);
        const bytes = Buffer.from(OperationMessage.encode(message).finish());
        if (!bytes.equals(sent)) yield message;
        if (hasEnded(operation.state)) return;
        sent = bytes;
      }
      await delayUnlessAborted(Math.max(pollMs.least, pollMs.perWatcher * this.#watchers), end);
    }
  }

  onModuleDestroy(): void {
    this.#stopping.abort();
  }
}
