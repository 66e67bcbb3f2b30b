import { Logger } from '@nestjs/common';
import pg, { type QueryResultRow } from 'pg';
import { sessionOptions } from '../create-orm.js';
import { refuseStandby } from './refuse-standby.js';

/**
 * One connection outside the pool, for work that must neither wait for calls nor delay them. The first query connects,
 * and so does the first query after a lost connection. Queries run one after another. `close` is final.
 */
export class DedicatedConnection {
  readonly #logger: Logger;
  #client: Promise<pg.Client> | undefined;
  #isDown = false;
  #isClosed = false;
  /** Names of the statements, by their texts. */
  readonly #names = new Map<string, string>();

  /**
   * @param name for the log, and as PostgreSQL's `application_name`
   * @param onConnect runs first on each new connection, which leads to a primary
   * @param onNotification receives the notifications that the connection listens to
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
   * @param sql a constant text: a statement with values is parsed and planned once for each connection
   * @param values or a function that returns them once connected, for values that depend on the connection
   * @throws what pg throws; the next query reconnects after a lost connection, unless `close` was called
   */
  async query<Row extends QueryResultRow>(
    sql: string,
    values: readonly unknown[] | (() => readonly unknown[]) = [],
  ): Promise<Row[]> {
    if (this.#isClosed) throw closed();
    const connecting = (this.#client ??= this.#connect());
    try {
      const client = await connecting;
      const given = [...(typeof values === 'function' ? values() : values)];
      const named = given.length > 0 && { name: this.#nameOf(sql) };
      const { rows } = await client.query<Row>({ text: sql, values: given, ...named });
      this.#isDown = false;
      return rows;
    } catch (error) {
      // Any failure may have left the connection unusable, and a new one is cheap.
      if (this.#client === connecting) this.#client = undefined;
      connecting
        .then(
          (client) => client.end(),
          () => undefined,
        )
        .catch(() => undefined);
      // Logged once per outage: while the database is down, every query fails.
      if (!this.#isDown && !this.#isClosed) this.#logger.warn(`The connection failed: ${String(error)}`);
      this.#isDown = true;
      throw error;
    }
  }

  /** Closes for good. Running queries fail, and the connection is closed when this resolves. */
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
    // A connection that is lost between two queries is reported by this event only.
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

  #nameOf(sql: string): string {
    const name = this.#names.get(sql) ?? `dedicated_${this.#names.size}`;
    this.#names.set(sql, name);
    return name;
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
