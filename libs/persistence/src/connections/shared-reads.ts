import type { EntityManager } from '@mikro-orm/postgresql';
import { callContext, keepSpan } from '@rapport/platform';
import type { PoolClient, QueryResult } from 'pg';
import { isConnectionLoss } from '../database-errors.js';
import { inOneWrite, pipeline, type Statement } from '../driver/pipeline.js';
import { withConnection } from './pooled-connection.js';

/** Connections of the pool that quick reads use at a time. */
const maxConnections = 2;

/** Reads that share a connection at a time: as many as are answered before a call notices that it has waited. */
const maxTogether = 32;

interface Read {
  tenantId: string;
  /** Aborted once nobody waits for the rows. */
  gone: AbortSignal | undefined;
  /** Never rejects. @returns the error when it has failed */
  send: (client: PoolClient) => Promise<unknown>;
  fail: (error: unknown) => void;
}

const known = new WeakMap<object, SharedReads>();

/**
 * Reads that find a row by its key, of all calls of the process. Those that come in one moment, or while others are under way, go to
 * PostgreSQL in one write on one connection, where each is a transaction of its own, with its own tenant. To send them one by one costs
 * both sides more than to answer them. Tenants have their turns, as they have them at the pool.
 */
export class SharedReads {
  /** By tenant, the one that is served next first. */
  readonly #waiting = new Map<string, Read[]>();
  #connections = 0;
  #isDue = false;

  private constructor(private readonly em: EntityManager) {}

  /** Those of the database of `em`. */
  static of(em: EntityManager): SharedReads {
    const connection = em.getConnection();
    let reads = known.get(connection);
    if (!reads) known.set(connection, (reads = new SharedReads(em)));
    return reads;
  }

  /** @throws what `pipeline` and the pool throw */
  read(tenantId: string, statement: Statement): Promise<QueryResult[]> {
    return new Promise((resolve, reject) => {
      const withinSpan = keepSpan();
      this.#add({
        tenantId,
        gone: callContext.getStore()?.gone,
        send: (client) =>
          withinSpan(() => pipeline(client, [statement])).then(resolve, (error: Error) => {
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

  /** Once all calls that came in one moment have asked. */
  #sendSoon(): void {
    if (this.#isDue || this.#connections >= maxConnections) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      void this.#send(this.#take());
    });
  }

  /** A read of each tenant in turn. */
  #take(): Read[] {
    const taken: Read[] = [];
    // The loop comes to a tenant again that is put back at the end.
    for (const [tenantId, reads] of this.#waiting) {
      taken.push(...reads.splice(0, 1));
      this.#waiting.delete(tenantId);
      if (reads.length > 0) this.#waiting.set(tenantId, reads);
      if (taken.length === maxTogether) break;
    }
    return taken;
  }

  /** Never rejects. */
  async #send(reads: readonly Read[]): Promise<void> {
    if (reads.length === 0) return;
    this.#connections += 1;
    // The connection is none of one call.
    const context = { requestId: '', caller: undefined, gone: goneWith(reads) };
    try {
      await callContext.run(context, () =>
        withConnection(this.em, async (client) => {
          const errors = await inOneWrite(client, () => Promise.all(reads.map((read) => read.send(client))));
          if (errors.some(isConnectionLoss)) throw errors.find(isConnectionLoss);
        }),
      );
    } catch (error) {
      // Those that were sent are settled already.
      for (const { fail } of reads) fail(error);
    }
    this.#connections -= 1;
    if (this.#waiting.size > 0) this.#sendSoon();
  }
}

/** Aborted once nobody waits for any of the reads. */
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
