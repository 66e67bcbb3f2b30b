import type { EntityManager } from '@mikro-orm/postgresql';
import { callContext, keepSpan } from '@rapport/platform';
import type { PoolClient, QueryResult } from 'pg';
import { isConnectionLoss } from '../database-errors.js';
import { inOneWrite, pipeline, type Statement } from '../driver/pipeline.js';
import { clientGone } from '../driver/pool-slots.js';
import { withConnection } from './pooled-connection.js';

/** Connections of the pool that quick reads use at the same time. */
const maxConnections = 2;

/**
 * Reads that share a connection at the same time: few enough that the last of them waits at most a few milliseconds.
 */
const maxTogether = 32;

interface Read {
  tenantId: string;
  /** Aborted when the client of the call has gone. */
  gone: AbortSignal | undefined;
  /** Never rejects. @returns the error when it has failed */
  send: (client: PoolClient) => Promise<unknown>;
  fail: (error: unknown) => void;
}

const known = new WeakMap<object, SharedReads>();

/**
 * Batches quick reads of all calls of the process. Reads that start in the same turn of the event loop, or while
 * others are in flight, go to PostgreSQL in one write on one connection. Each is a transaction with its own tenant.
 * Sending them one by one costs both sides more than answering them. Tenants take turns, as they do at the pool.
 */
export class SharedReads {
  /** By tenant, in round-robin order. */
  readonly #waiting = new Map<string, Read[]>();
  #connections = 0;
  #isDue = false;

  private constructor(private readonly em: EntityManager) {}

  /** The shared reads of the database of `em`. */
  static of(em: EntityManager): SharedReads {
    const connection = em.getConnection();
    let reads = known.get(connection);
    if (!reads) known.set(connection, (reads = new SharedReads(em)));
    return reads;
  }

  /** @param statements of one transaction @throws what `pipeline` and the pool throw */
  read(tenantId: string, statements: readonly Statement[]): Promise<QueryResult[]> {
    return new Promise((resolve, reject) => {
      const withinSpan = keepSpan();
      this.#add({
        tenantId,
        gone: callContext.getStore()?.gone,
        send: (client) =>
          withinSpan(() => pipeline(client, statements)).then(resolve, (error: Error) => {
            reject(error);
            return error;
          }),
        fail: reject,
      });
    });
  }

  #add(read: Read): void {
    const others = this.#waiting.get(read.tenantId);
    if (others) others.push(read);
    else this.#waiting.set(read.tenantId, [read]);
    this.#sendSoon();
  }

  /** Runs once all calls of this turn of the event loop have asked. */
  #sendSoon(): void {
    if (this.#isDue || this.#connections >= maxConnections) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      void this.#send(this.#take());
    });
  }

  /** One read of each tenant in turn. Reads whose client has gone fail here without being sent. */
  #take(): Read[] {
    const taken: Read[] = [];
    // A tenant with more reads is reinserted at the end, where the loop reaches it again.
    for (const [tenantId, reads] of this.#waiting) {
      const read = reads.shift();
      this.#waiting.delete(tenantId);
      if (reads.length > 0) this.#waiting.set(tenantId, reads);
      if (read?.gone?.aborted) read.fail(clientGone());
      else if (read) taken.push(read);
      if (taken.length === maxTogether) break;
    }
    return taken;
  }

  /** Never rejects. */
  async #send(reads: readonly Read[]): Promise<void> {
    if (reads.length === 0) return;
    this.#connections += 1;
    // The connection does not count for one tenant: it carries the reads of many.
    const context = { requestId: '', caller: undefined, gone: goneWith(reads), isRead: true };
    try {
      await callContext.run(context, () =>
        withConnection(this.em, async (client) => {
          const errors = await inOneWrite(client, () => Promise.all(reads.map((read) => read.send(client))));
          if (errors.some(isConnectionLoss)) throw errors.find(isConnectionLoss);
        }),
      );
    } catch (error) {
      // Those that were sent have settled already.
      for (const { fail } of reads) fail(error);
    }
    this.#connections -= 1;
    if (this.#waiting.size > 0) this.#sendSoon();
  }
}

/** Aborted when the clients of all reads have gone. */
function goneWith(reads: readonly Read[]): AbortSignal {
  const [only, ...others] = reads;
  if (only?.gone && others.length === 0) return only.gone;
  const all = new AbortController();
  const endWithLast = () => {
    if (reads.every(({ gone }) => gone?.aborted)) all.abort();
  };
  endWithLast();
  for (const { gone } of reads) gone?.addEventListener('abort', endWithLast, { once: true });
  return all.signal;
}
