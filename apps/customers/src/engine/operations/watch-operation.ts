import { Injectable } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { Operation as OperationMessage } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { refusalOf } from '@rapport/persistence';
import { Watchers, type Watch } from '../pace/watchers.js';
import { hasEnded, operationMessage } from './operation-message.js';
import { readOperation } from './read-operation.js';

/** Streams the state of an operation until it ends, the reader leaves, or the process stops. */
@Injectable()
export class OperationWatcher extends Watchers {
  constructor(private readonly em: EntityManager) {
    super('operations');
  }

  /** Handles WatchOperation. */
  watch(id: string): AsyncIterable<OperationMessage> {
    return this.stream((watch) => this.#untilEnded(id, watch));
  }

  async *#untilEnded(id: string, { end, nextPoll }: Watch): AsyncGenerator<OperationMessage, void> {
    let sent = Buffer.alloc(0);
    while (!end.aborted) {
      const operation = await readOperation(this.em, id).catch((error: unknown) => {
        // All connections of the tenant are in use: the next poll may get one.
        if (sent.length === 0 || !refusalOf(error)) throw error;
      });
      if (operation) {
        const message = await operationMessage(operation);
        const bytes = Buffer.from(OperationMessage.encode(message).finish());
        if (!bytes.equals(sent)) yield message;
        if (hasEnded(operation.state)) return;
        sent = bytes;
      }
      await nextPoll();
    }
  }
}
