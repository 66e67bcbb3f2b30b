import { MikroORM, type Options } from '@mikro-orm/postgresql';
import { isTracing } from '@rapport/platform';
import type { Pool } from 'pg';
import { entityManagerOfCall } from './tenants/call-entity-manager.js';
import { endPoolWith } from './driver/end-pool.js';
import { stagePool } from './driver/stage-pool.js';
import { verifyPrimary } from './connections/refuse-standby.js';

export interface DatabaseOptions {
  /** Every entity of the service, by name. */
  entities: NonNullable<Options['entities']>;
  /** `postgres://user:password@host:port/database`, with libpq's parameters such as `sslmode`. */
  databaseUrl: string;
  /** Called after each transaction that may have written, see `noticeWrites`. */
  onWritten?: () => void;
  /** Time limit of a statement of an operator's command, in milliseconds. That of calls when absent. */
  statementTimeoutMs?: number;
}

/**
 * PostgreSQL's `options` of every connection: times are read from their text, whatever the database's own settings are;
 * a statement, and with it its transaction, ends with its connection, which the server would otherwise notice only at
 * the end; and JIT is off, because it takes longer than any statement of ours.
 */
export const sessionOptions = '-c timezone=UTC -c datestyle=ISO -c client_connection_check_interval=250 -c jit=off';

/** Database timeouts in milliseconds. By default pg waits forever for a frozen server. */
const limits = {
  options: sessionOptions,
  // A server or process with too little processor time takes seconds to connect, and a new attempt costs it more.
  connectionTimeoutMillis: 5_000,
  statement_timeout: 8_000,
  // Longer than the server's own limit, so that the server ends a slow statement first: the connection stays usable. It
  // covers all statements of a pipeline together.
  query_timeout: 10_000,
  idle_in_transaction_session_timeout: 10_000,
  // Opening a connection in a burst of calls costs more than an idle one costs the server.
  idleTimeoutMillis: 300_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
};

/**
 * The ORM of a service, not yet connected: the first query connects, so an unreachable database does not prevent a
 * start.
 *
 * @param overrides of the service's defaults, such as a migration's time limits
 */
export function createOrm(
  { entities, databaseUrl, onWritten, statementTimeoutMs }: DatabaseOptions,
  overrides: Options = {},
): MikroORM {
  const orm = new MikroORM({
    entities,
    clientUrl: databaseUrl,
    // Imports, exports and operations hold at most half of them, each for as long as its client or file takes.
    pool: { min: 0, max: 20 },
    ensureDatabase: false,
    // Parsed again for pg, since MikroORM drops the URL's parameters.
    driverOptions: {
      ...limits,
      ...(statementTimeoutMs !== undefined && {
        statement_timeout: statementTimeoutMs,
        query_timeout: statementTimeoutMs + 2_000,
      }),
      verify: verifyPrimary,
      connectionString: databaseUrl,
      onPoolCreated: (pool: Pool) => stagePool(pool, { onWritten, isTracing: isTracing() }),
    },
    ...overrides,
  });
  // Set here instead of as an option: MikroORM also asks for the context while it creates the global EntityManager.
  orm.config.set('context', () => entityManagerOfCall(orm.em));
  endPoolWith(orm);
  return orm;
}
