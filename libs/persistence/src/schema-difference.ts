import { createOrm, type DatabaseOptions } from './create-orm.js';
import { migrationTable } from './run-migrations.js';

/**
 * SQL that would make a migrated database look as its entities say; empty when they agree. For tests.
 *
 * @param databaseUrl as the owner of the tables
 */
export async function schemaDifference(database: DatabaseOptions): Promise<string> {
  const orm = createOrm(database, {
    // Triggers are SQL of the migrations: the ORM knows none for whole statements.
    schemaGenerator: { skipTables: [migrationTable], ignoreTriggers: true },
  });
  try {
    return await orm.schema.getUpdateSchemaSQL({ wrap: false });
  } finally {
    await orm.close();
  }
}
