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
  /** Called when a transaction that may have written has ended, see `noticeWrites`. */
  onWritten?: () => void;
}

/**
 * PostgreSQL's `options` of every connection: times are read from their text, whatever the database's own settings are; a
 * statement ends, and with it its transaction, when its connection does, which the server would else find out at its end; and no
 * plan is compiled, which takes longer than any statement of ours.
 */
export const sessionOptions = '-c timezone=UTC -c datestyle=ISO -c client_connection_check_interval=250 -c jit=off';

/** How long a database may keep us waiting, in milliseconds. By default pg waits for ever for a server that froze. */
const limits = {
  options: sessionOptions,
  // Counts the wait for a free connection of the pool too: when all are busy for so long, the call is refused.
  connectionTimeoutMillis: 2_000,
  statement_timeout: 8_000,
  // Longer than the server's own limit, which is the better end of a slow statement: the connection stays usable. It counts
  // all statements of a pipeline together.
  query_timeout: 10_000,
  idle_in_transaction_session_timeout: 10_000,
  // A new one costs a burst of calls more than an idle one the server.
  idleTimeoutMillis: 300_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
};

/**
 * The ORM of a service, not yet connected: the first query connects, so a database that is away doesn't stop a start.
 *
 * @param overrides what differs from a service's own use, such as a migration's time limits
 */
export function createOrm({ entities, databaseUrl, onWritten }: DatabaseOptions, overrides: Options = {}): MikroORM {
  const orm = new MikroORM({
    entities,
    clientUrl: databaseUrl,
    // Imports, exports and operations hold half of them at most, each for as long as its client or file takes.
    pool: { min: 0, max: 20 },
    ensureDatabase: false,
    // pg reads the URL once more, since MikroORM drops its parameters.
    driverOptions: {
      ...limits,
      verify: verifyPrimary,
      connectionString: databaseUrl,
      onPoolCreated: (pool: Pool) => stagePool(pool, { onWritten, isTracing: isTracing() }),
    },
    ...overrides,
  });
  // No option: MikroORM asks for the context while it makes the global EntityManager, too.
  orm.config.set('context', () => entityManagerOfCall(orm.em));
  endPoolWith(orm);
  return orm;
}
