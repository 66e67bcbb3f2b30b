import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectorEnvironment } from '../connector-environment.js';
import { ConnectorError } from '../connector-error.js';
import { connectFailure } from './connect-failure.js';
import { RowCountError, TableReader } from './read-rows.js';
import type { SqlConfiguration } from './sql-configuration.js';
import type { SqlConnection, SqlDialect } from './sql-dialect.js';
import { findTable, type Table } from './table.js';

/** Timeout of a graceful close, in milliseconds. */
const closeTimeoutMs = 2_000;

/** A connection for the exclusive use of a call, and the table as read when it was opened. */
export interface SqlSession {
  connection: SqlConnection;
  table: Table;
  reader: TableReader;
}

type OpenSession = Omit<SqlSession, 'reader'>;

/**
 * Opens the sessions of one peer. A session ends with its call, or at once when the signal of the call aborts. While
 * sessions are kept, later calls reuse those of earlier ones, one call at a time, without a new connection and read of
 * the catalogue.
 */
export class SqlSessions {
  readonly #configuration: SqlConfiguration;
  readonly #resolveHost: ConnectorEnvironment['resolveHost'];
  readonly #dialect: SqlDialect;
  /** Idle sessions. Undefined while sessions are not kept. */
  #kept: OpenSession[] | undefined;

  constructor(configuration: SqlConfiguration, dialect: SqlDialect, { resolveHost }: ConnectorEnvironment) {
    this.#configuration = configuration;
    this.#dialect = dialect;
    this.#resolveHost = resolveHost;
  }

  /** Keeps sessions from now on. @returns closes idle sessions; the others end with their calls */
  keep(): () => Promise<void> {
    const kept: OpenSession[] = (this.#kept = []);
    return async () => {
      if (this.#kept === kept) this.#kept = undefined;
      await Promise.all(kept.splice(0).map(endSession));
    };
  }

  /** Runs `work` in a session. Errors of the database are thrown as ConnectorErrors. */
  async run<Result>(signal: AbortSignal, work: (session: SqlSession) => Promise<Result>): Promise<Result> {
    const { session, end } = await this.#open(signal);
    let isWhole = false;
    try {
      const result = await work(session);
      isWhole = true;
      return result;
    } catch (error) {
      throw this.#asThrown(error, signal);
    } finally {
      await end(isWhole);
    }
  }

  /** Like `run`, for streams; the session ends when the reader stops. */
  async *stream<Item>(signal: AbortSignal, work: (session: SqlSession) => AsyncIterable<Item>): AsyncGenerator<Item> {
    const { session, end } = await this.#open(signal);
    let isWhole = false;
    try {
      for await (const item of work(session)) {
        yield item;
        signal.throwIfAborted();
      }
      isWhole = true;
    } catch (error) {
      throw this.#asThrown(error, signal);
    } finally {
      await end(isWhole);
    }
  }

  /** @returns `end` takes whether the call succeeded: only then may another call use the session */
  async #open(signal: AbortSignal): Promise<{ session: SqlSession; end: (isWhole: boolean) => Promise<void> }> {
    signal.throwIfAborted();
    const kept = this.#kept;
    const session = (await this.#takeKept(signal)) ?? (await this.#openNew(signal));
    const { connection, table } = session;
    const release = destroyOnAbort(connection, signal);
    signal.throwIfAborted();
    const end = async (isWhole: boolean) => {
      release();
      if (signal.aborted) return;
      if (isWhole && kept && kept === this.#kept) kept.push(session);
      else await endSession(session);
    };
    return { session: { connection, table, reader: new TableReader(connection, this.#dialect, table) }, end };
  }

  /** A kept session with a live connection. */
  async #takeKept(signal: AbortSignal): Promise<OpenSession | undefined> {
    for (let session = this.#kept?.pop(); session; session = this.#kept?.pop()) {
      const { connection } = session;
      const release = destroyOnAbort(connection, signal);
      try {
        await connection.query('SELECT 1');
        return session;
      } catch {
        connection.destroy();
        signal.throwIfAborted();
      } finally {
        release();
      }
    }
    return undefined;
  }

  async #openNew(signal: AbortSignal): Promise<OpenSession> {
    const connection = await this.#connect(signal);
    const release = destroyOnAbort(connection, signal);
    try {
      return { connection, table: await findTable(connection, this.#dialect, this.#configuration) };
    } catch (error) {
      if (!signal.aborted) await endSession({ connection });
      throw this.#asThrown(error, signal);
    } finally {
      release();
    }
  }

  async #connect(signal: AbortSignal): Promise<SqlConnection> {
    const address = await this.#resolveHost(this.#configuration.host, signal);
    try {
      const connection = await this.#dialect.connect(this.#configuration, address);
      if (signal.aborted) connection.destroy();
      signal.throwIfAborted();
      return connection;
    } catch (error) {
      signal.throwIfAborted();
      const thrown = this.#asThrown(error, signal);
      if (!(thrown instanceof ConnectorError) || thrown.reason !== 'UNAVAILABLE' || !(error instanceof Error))
        throw thrown;
      throw await connectFailure(this.#configuration, address, error);
    }
  }

  #asThrown(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    if (error instanceof RowCountError) return new ConnectorError('SCHEMA_CHANGED', error.message, { cause: error });
    const failure = this.#dialect.failure(error);
    switch (failure?.kind) {
      case undefined:
        return error;
      case 'CALL':
        return failure.error;
      case 'ROW':
        return new ConnectorError('INVALID', failure.issue.message, { cause: error });
      case 'AGAIN':
        return new ConnectorError('UNAVAILABLE', 'The statement conflicts with another transaction.', {
          retryAfterMs: 500,
          cause: error,
        });
      default:
        return failure satisfies never;
    }
  }
}

/** Destroys a connection when the signal aborts, or at once if it has. @returns stops that */
function destroyOnAbort(connection: SqlConnection, signal: AbortSignal): () => void {
  const destroy = () => connection.destroy();
  if (signal.aborted) destroy();
  signal.addEventListener('abort', destroy, { once: true });
  return () => signal.removeEventListener('abort', destroy);
}

/** Closes a connection, or destroys it when it is broken or the database does not answer in time. */
async function endSession({ connection }: Pick<OpenSession, 'connection'>): Promise<void> {
  const ended = new AbortController();
  const late = delay(closeTimeoutMs, undefined, { signal: ended.signal }).then(() => connection.destroy());
  const closed = connection.close().catch(() => connection.destroy());
  await Promise.race([closed, late.catch(() => undefined)]);
  ended.abort();
}
