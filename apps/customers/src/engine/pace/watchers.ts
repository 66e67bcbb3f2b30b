import type { OnModuleDestroy } from '@nestjs/common';
import { AppError, currentCaller } from '@rapport/platform';
import { delayUnlessAborted } from './delay-unless-aborted.js';

/** Poll interval in milliseconds: `perWatcher` for each watcher of the process, and not below `least`. */
const pollMs = { least: 300, perWatcher: 10 };

/** Most concurrent watchers of one process, and of one tenant in it. */
const maxWatching = { inAll: 500, perTenant: 100 };

/** What a stream of states needs while it runs. */
export interface Watch {
  /** Aborted when the reader leaves or the process stops. */
  end: AbortSignal;
  /** Waits until the next poll is due, or until the end. */
  nextPoll: () => Promise<void>;
}

/** The messages of a stream. @param messages a generator, which a reader that leaves wakes: it may wait for a change for a day */
export function untilGone<Message>(
  messages: (gone: AbortSignal) => AsyncGenerator<Message, void>,
): AsyncIterable<Message> {
  const gone = new AbortController();
  const stream = messages(gone.signal);
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => stream.next(),
      return: () => {
        gone.abort();
        return stream.return();
      },
    }),
  };
}

/** The streams of one kind of state in this process, which poll the less often the more there are. */
export class Watchers implements OnModuleDestroy {
  readonly #stopping = new AbortController();
  readonly #watching = new Map<string, number>();
  #watchers = 0;

  /** @param what in the plural, for errors */
  constructor(private readonly what: string) {}

  /** The messages of a stream until it ends, the reader leaves, or the process stops. */
  stream<Message>(messages: (watch: Watch) => AsyncGenerator<Message, void>): AsyncIterable<Message> {
    return untilGone((gone) => this.#inPlace(messages, AbortSignal.any([gone, this.#stopping.signal])));
  }

  async *#inPlace<Message>(
    messages: (watch: Watch) => AsyncGenerator<Message, void>,
    end: AbortSignal,
  ): AsyncGenerator<Message, void> {
    const { tenantId } = currentCaller();
    const ofTenant = this.#watching.get(tenantId) ?? 0;
    if (ofTenant >= maxWatching.perTenant || this.#watchers >= maxWatching.inAll) {
      throw new AppError(
        'RESOURCE_EXHAUSTED',
        'TOO_MANY_WATCHERS',
        `Too many watchers of ${this.what}. Poll instead.`,
        {
          retryAfterSeconds: 10,
        },
      );
    }
    this.#count(tenantId, 1);
    try {
      const nextPoll = () => delayUnlessAborted(Math.max(pollMs.least, pollMs.perWatcher * this.#watchers), end);
      yield* messages({ end, nextPoll });
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

  onModuleDestroy(): void {
    this.#stopping.abort();
  }
}
