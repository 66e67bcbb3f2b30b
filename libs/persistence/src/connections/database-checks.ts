import type { EntityManager } from '@mikro-orm/postgresql';
import { missingMigrations, type MigrationClass } from '../migrations/run-migrations.js';

/** Readiness checks of a service's database: it answers, and has the migrations of this release. */
export function databaseChecks(
  em: EntityManager,
  migrations: MigrationClass[],
): Record<'database' | 'migrations', () => Promise<unknown>> {
  return {
    database: () => em.fork().execute('select 1'),
    migrations: async () => {
      const missing = await missingMigrations(em, migrations);
      if (missing.length > 0) throw new Error(`The database lacks ${missing.join(', ')}.`);
    },
  };
}
