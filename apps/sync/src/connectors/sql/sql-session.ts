import type { ConnectorEnvironment } from '../connector-environment.js';
import { ConnectorError } from '../connector-error.js';
import { connectFailure } from './connect-failure.js';
import { RowCountError, TableReader } from './read-rows.js';
import type { SqlConfiguration } from './sql-configuration.js';
import type { SqlConnection, SqlDialect } from './sql-dialect.js';
import { findTable, type Table } from './table.js';

/** What a call works with, as long as it lasts: a connection of its own, and the table as it is now. */
export interface SqlSession {
  connection: SqlConnection;
  table: Table;
  reader: TableReader;
}

/** Opens the sessions of one peer. They end with the call, or at once when its signal is aborted. */
export class SqlSessions {
  readonly #configuration: SqlConfiguration;
  readonly #resolveHost: ConnectorEnvironment['resolveHost'];
  readonly #dialect: SqlDialect;

  constructor(configuration: SqlConfiguration, dialect: SqlDialect, { resolveHost }: ConnectorEnvironment) {
    this.#configuration = configuration;
    this.#dialect = dialect;
    this.#resolveHost = resolveHost;
  }

  /** Runs `work` in a session. What the database reports is thrown as a ConnectorError. */
  async run<Result>(signal: AbortSignal, work: (session: SqlSession) => Promise<Result>): Promise<Result> {
    const { session, end } = await this.#open(signal);
    try {
      return await work(session);
    } catch (error) {
      throw this.#asThrown(error, signal);
    } finally {
      await end();
    }
  }

  /** Like `run`, for what comes piece by piece; the session ends when the reader goes away. */
  async *stream<Item>(signal: AbortSignal, work: (session: SqlSession) => AsyncIterable<Item>): AsyncGenerator<Item> {
    const { session, end } = await this.#open(signal);
    try {
      for await (const item of work(session)) {
        yield item;
        signal.throwIfAborted();
      }
    } catch (error) {
      throw this.#asThrown(error, signal);
    } finally {
      await end();
    }
  }

  async #open(signal: AbortSignal): Promise<{ session: SqlSession; end: () => Promise<void> }> {
    signal.throwIfAborted();
    const connection = await this.#connect(signal);
    const abort = () => connection.destroy();
    signal.addEventListener('abort', abort, { once: true });
    const end = async () => {
      signal.removeEventListener('abort', abort);
      // A connection that is broken already can't be ended in order, and need not be.
      if (!signal.aborted) await connection.close().catch(abort);
    };
    try {
      const table = await findTable(connection, this.#dialect, this.#configuration);
      return { session: { connection, table, reader: new TableReader(connection, this.#dialect, table) }, end };
    } catch (error) {
      await end();
      throw this.#asThrown(error, signal);
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
        return new ConnectorError('UNAVAILABLE', 'Another transaction was in the way.', {
          retryAfterMs: 500,
          cause: error,
        });
      default:
        return failure satisfies never;
    }
  }
}
