import { createOrm, type DatabaseOptions } from '../create-orm.js';
import { migrationTable } from './run-migrations.js';

/**
 * SQL that would change a migrated database into what its entities describe; empty when they agree. For tests.
 *
 * @param databaseUrl as the owner of the tables
 * @param tablesOfSql tables without an entity
 */
export async function schemaDifference(
  database: DatabaseOptions,
  tablesOfSql: readonly (string | RegExp)[] = [],
): Promise<string> {
  const orm = createOrm(database, {
    // Triggers and functions exist only as SQL of the migrations: the ORM does not know statement-level triggers.
    schemaGenerator: { skipTables: [migrationTable, ...tablesOfSql], ignoreTriggers: true, ignoreRoutines: true },
  });
  try {
    return await orm.schema.getUpdateSchemaSQL({ wrap: false });
  } finally {
    await orm.close();
  }
}
