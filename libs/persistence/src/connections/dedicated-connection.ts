import { Logger } from '@nestjs/common';
import pg, { type QueryResultRow } from 'pg';
import { sessionOptions } from '../create-orm.js';
import { refuseStandby } from './refuse-standby.js';

/**
 * One connection beside the pool, for work that must not wait for calls and calls must not wait for. The first query
 * connects, and so does the first one after the connection was lost. Queries are run one after another. Once closed it stays
 * so.
 */
export class DedicatedConnection {
  readonly #logger: Logger;
  #client: Promise<pg.Client> | undefined;
  #isAway = false;
  #isClosed = false;

  /**
   * @param name for the log, and as PostgreSQL's `application_name`
   * @param onConnect run on each new connection, which leads to a primary, before anything else
   * @param onNotification told of what the connection listens to
   */
  constructor(
    private readonly databaseUrl: string,
    private readonly name: string,
    private readonly hooks: {
      onConnect?: (client: pg.Client) => Promise<unknown>;
      onNotification?: () => void;
    } = {},
  ) {
    this.#logger = new Logger(name);
  }

  /**
   * @param values a function is asked for them once there is a connection, for what must be of this one
   * @throws what pg throws; the next query connects again when the connection is lost, unless `close` was called
   */
  async query<Row extends QueryResultRow>(
    sql: string,
    values: readonly unknown[] | (() => readonly unknown[]) = [],
  ): Promise<Row[]> {
    if (this.#isClosed) throw closed();
    const connecting = (this.#client ??= this.#connect());
    try {
      const client = await connecting;
      const { rows } = await client.query<Row>(sql, [...(typeof values === 'function' ? values() : values)]);
      this.#isAway = false;
      return rows;
    } catch (error) {
      // Whatever failed may have left the connection unusable, and another one costs little.
      if (this.#client === connecting) this.#client = undefined;
      connecting
        .then(
          (client) => client.end(),
          () => undefined,
        )
        .catch(() => undefined);
      // Said once: while the database is away, it is away for every query.
      if (!this.#isAway && !this.#isClosed) this.#logger.warn(`The connection failed: ${String(error)}`);
      this.#isAway = true;
      throw error;
    }
  }

  /** For good. What is being asked fails, and the connection is gone when this resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const connecting = this.#client;
    this.#client = undefined;
    await connecting?.then((client) => client.end()).catch(() => undefined);
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.databaseUrl,
      application_name: this.name,
      options: sessionOptions,
      connectionTimeoutMillis: 2_000,
      statement_timeout: 20_000,
      query_timeout: 25_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    });
    // A connection that is lost between two queries says so here only.
    client.on('error', () => this.#forget(client));
    client.on('end', () => this.#forget(client));
    if (this.hooks.onNotification) client.on('notification', this.hooks.onNotification);
    try {
      await client.connect();
      if (this.#isClosed) {
        await client.end();
        throw closed();
      }
      await refuseStandby(client);
      await this.hooks.onConnect?.(client);
      return client;
    } catch (error) {
      client.end().catch(() => undefined);
      throw error;
    }
  }

  #forget(client: pg.Client): void {
    void this.#client?.then(
      (current) => {
        if (current === client) this.#client = undefined;
      },
      () => undefined,
    );
  }
}

function closed(): Error {
  return new Error('The connection is closed.');
}
