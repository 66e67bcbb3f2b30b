import { Logger } from '@nestjs/common';
import pg, { type QueryResultRow } from 'pg';

/**
 * One connection beside the pool, for work that must not wait for calls and calls must not wait for. The first query
 * connects, and so does the first one after the connection was lost. Queries are run one after another.
 */
export class DedicatedConnection {
  readonly #logger: Logger;
  #client: Promise<pg.Client> | undefined;
  #isAway = false;

  /**
   * @param name for the log, and as PostgreSQL's `application_name`
   * @param onConnect run on each new connection before anything else
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

  /** @throws what pg throws; the next query connects again when the connection is lost */
  async query<Row extends QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const connecting = (this.#client ??= this.#connect());
    try {
      const client = await connecting;
      const { rows } = await client.query<Row>(sql, [...values]);
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
      if (!this.#isAway) this.#logger.warn(`The connection failed: ${String(error)}`);
      this.#isAway = true;
      throw error;
    }
  }

  async close(): Promise<void> {
    const connecting = this.#client;
    this.#client = undefined;
    await connecting?.then((client) => client.end()).catch(() => undefined);
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.databaseUrl,
      application_name: this.name,
      options: '-c timezone=UTC -c datestyle=ISO',
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
