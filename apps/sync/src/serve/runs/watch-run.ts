import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { SyncRun as SyncRunMessage } from '@rapport/contracts/rapport/sync/v1/sync_runs_service';
import { AppError, callContext } from '@rapport/platform';
import { findRun } from './find-run.js';
import { hasEnded, runMessage } from './run-message.js';

/** Polling interval of a watched run, in milliseconds. */
const lookEveryMs = 300;

/** Maximum number of watchers per process. Each polls on its own. */
const maxWatching = 100;

/** Streams the changes of a run until it ends, the client disconnects or the process stops. */
@Injectable()
export class RunWatcher implements OnModuleDestroy {
  readonly #stopping = new AbortController();
  #watching = 0;

  constructor(private readonly em: EntityManager) {}

  /** Handles WatchSyncRun. */
  async *watch(id: string): AsyncGenerator<SyncRunMessage, void> {
    if (this.#watching >= maxWatching) {
      const details = { retryAfterSeconds: 10 };
      throw new AppError(
        'RESOURCE_EXHAUSTED',
        'TOO_MANY_WATCHERS',
        'Too many runs are watched. Poll instead.',
        details,
      );
    }
    this.#watching += 1;
    try {
      yield* this.#untilEnded(id);
    } finally {
      this.#watching -= 1;
    }
  }

  onModuleDestroy(): void {
    this.#stopping.abort();
  }

  async *#untilEnded(id: string): AsyncGenerator<SyncRunMessage, void> {
    const { gone } = callContext.getStore() ?? {};
    let sent = Buffer.alloc(0);
    for (;;) {
      const row = await findRun(this.em, id);
      const message = runMessage(row);
      const bytes = Buffer.from(SyncRunMessage.encode(message).finish());
      if (!bytes.equals(sent)) yield message;
      if (hasEnded(row)) return;
      sent = bytes;
      await this.#wait(gone);
      if (gone?.aborted) return;
    }
  }

  /** @param gone aborts when the client has disconnected */
  async #wait(gone: AbortSignal | undefined): Promise<void> {
    const stopping = this.#stopping.signal;
    const signal = gone ? AbortSignal.any([stopping, gone]) : stopping;
    await delay(lookEveryMs, undefined, { signal }).catch(() => undefined);
    if (!stopping.aborted) return;
    const details = { retryAfterSeconds: 1 };
    throw new AppError('UNAVAILABLE', 'SERVICE_STOPPING', 'The service stops. Watch again.', details);
  }
}
