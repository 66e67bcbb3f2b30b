import { setTimeout as delay } from 'node:timers/promises';
import { Migrator, type Migration } from '@mikro-orm/migrations';
import type { EntityManager, Constructor } from '@mikro-orm/postgresql';
import { createOrm, type DatabaseOptions } from '../create-orm.js';
import { tableLockTimeoutMs } from '../writes/lock-timeout.js';
import { verifyPrimary } from '../connections/refuse-standby.js';
import { isConnectionLoss } from '../database-errors.js';

/** A migration with its `name` set: the database records migrations by name. */
export type MigrationClass = Constructor<Migration>;

/** The table that records which migrations have run. */
export const migrationTable = 'migration';

/** Key of the advisory lock. Arbitrary; one per database. */
const migrationLock = 7_246_178_302;

/** Longest wait for another runner. */
const turnMs = 120_000;

/** Longest wait for a server that does not answer yet, as while a new cluster is made. */
const serverMs = 300_000;

/** Pause between two attempts of either wait. */
const retryMs = 500;

export interface MigrationOptions extends DatabaseOptions {
  migrations: MigrationClass[];
  /** Called once when the server does not answer, before the wait for it. */
  onUnreachable?: ((error: unknown) => void) | undefined;
}

/**
 * Migrates a database to this release, each migration in a transaction of its own. Waits up to 5 minutes for a server
 * that does not answer yet. Concurrent runners wait for each other, up to 2 minutes. A migration waits at most 0.8 s for
 * a lock, so that the running service never queues behind it for long: on error 55P03 run it again.
 *
 * @returns names of the migrations that ran
 */
export async function runMigrations({ migrations, onUnreachable, ...database }: MigrationOptions): Promise<string[]> {
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
    await untilReachable(orm.em, onUnreachable);
    // The lock has a connection of its own: MikroORM creates its table outside of any transaction that we could open.
    return await orm.em.fork().transactional(async (lockHolder) => {
      await takeTurn(lockHolder);
      return (await orm.migrator.up()).map(({ name }) => name);
    });
  } finally {
    await orm.close();
  }
}

/** @throws the failure of the last attempt */
async function untilReachable(em: EntityManager, onUnreachable: MigrationOptions['onUnreachable']): Promise<void> {
  const endMs = performance.now() + serverMs;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await em.fork().execute('select 1');
      return;
    } catch (error) {
      if (!isConnectionLoss(error) || performance.now() > endMs) throw error;
      if (attempt === 1) onUnreachable?.(error);
    }
    await delay(retryMs);
  }
}

/**
 * Takes the lock of the runners. It is asked for instead of waited for: a waiting statement has a snapshot, for whose end
 * an index that the other runner builds `concurrently` would wait in turn.
 */
async function takeTurn(lockHolder: EntityManager): Promise<void> {
  const endMs = performance.now() + turnMs;
  for (;;) {
    const rows = await lockHolder.execute<{ taken: boolean }[]>('select pg_try_advisory_xact_lock(?) as taken', [
      migrationLock,
    ]);
    if (rows[0]?.taken) return;
    if (performance.now() > endMs) throw new Error('Another process has been migrating the database for 2 minutes.');
    await delay(retryMs);
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
