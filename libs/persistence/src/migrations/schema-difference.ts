import { createOrm, type DatabaseOptions } from '../create-orm.js';
import { migrationTable } from './run-migrations.js';

/**
 * SQL that would make a migrated database look as its entities say; empty when they agree. For tests.
 *
 * @param databaseUrl as the owner of the tables
 * @param tablesOfSql tables that no entity stands for
 */
export async function schemaDifference(
  database: DatabaseOptions,
  tablesOfSql: readonly (string | RegExp)[] = [],
): Promise<string> {
  const orm = createOrm(database, {
    // Triggers and functions are SQL of the migrations: the ORM knows no triggers for whole statements.
    schemaGenerator: { skipTables: [migrationTable, ...tablesOfSql], ignoreTriggers: true, ignoreRoutines: true },
  });
  try {
    return await orm.schema.getUpdateSchemaSQL({ wrap: false });
  } finally {
    await orm.close();
  }
}
