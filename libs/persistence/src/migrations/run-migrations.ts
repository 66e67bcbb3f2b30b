import { Migrator, type Migration } from '@mikro-orm/migrations';
import type { EntityManager, Constructor } from '@mikro-orm/postgresql';
import { createOrm, type DatabaseOptions } from '../create-orm.js';
import { tableLockTimeoutMs } from '../writes/lock-timeout.js';
import { verifyPrimary } from '../connections/refuse-standby.js';

/** A migration with its `name` set: the database records migrations by name. */
export type MigrationClass = Constructor<Migration>;

/** The table that records which migrations have run. */
export const migrationTable = 'migration';

/** Key of the advisory lock. Arbitrary; one per database. */
const migrationLock = 7_246_178_302;

/**
 * Migrates a database to this release, each migration in a transaction of its own. Concurrent runners wait for each
 * other, up to 2 minutes. A migration waits at most 0.8 s for a lock, so that the running service never queues behind
 * it for long: on error 55P03 run it again.
 *
 * @returns names of the migrations that ran
 */
export async function runMigrations({
  migrations,
  ...database
}: DatabaseOptions & { migrations: MigrationClass[] }): Promise<string[]> {
  const orm = createOrm(database, {
    extensions: [Migrator],
    migrations: {
      migrationsList: migrations,
      tableName: migrationTable,
      snapshot: false,
      allOrNothing: false,
      silent: true,
    },
    driverOptions: {
      connectionString: database.databaseUrl,
      verify: verifyPrimary,
      connectionTimeoutMillis: 5_000,
      lock_timeout: tableLockTimeoutMs,
      statement_timeout: 300_000,
      keepAlive: true,
    },
  });
  try {
    // The lock has a connection of its own: MikroORM creates its table outside of any transaction that we could open.
    return await orm.em.fork().transactional(async (lockHolder) => {
      await lockHolder.execute(`set local lock_timeout = '120s'`);
      await lockHolder.execute('select pg_advisory_xact_lock(?)', [migrationLock]);
      return (await orm.migrator.up()).map(({ name }) => name);
    });
  } finally {
    await orm.close();
  }
}

/**
 * Names of the migrations that the database lacks for this release. A database ahead of this release is fine: each
 * migration works with the release before it.
 */
export async function missingMigrations(em: EntityManager, migrations: MigrationClass[]): Promise<string[]> {
  const rows = await em.fork().execute<{ name: string }[]>(`select name from ${migrationTable}`);
  const done = new Set(rows.map(({ name }) => name));
  return migrations.map((migration) => nameOf(em, migration)).filter((name) => !done.has(name));
}

function nameOf(em: EntityManager, migration: MigrationClass): string {
  const { name } = new migration(em.getDriver(), em.config);
  if (!name) throw new Error(`${migration.name} has no name.`);
  return name;
}
