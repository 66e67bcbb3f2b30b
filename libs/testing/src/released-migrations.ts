import { createHash } from 'node:crypto';

/** The part of MikroORM's `Migration` that is read. */
interface Migration {
  name?: string;
  up(): unknown;
  getQueries(): unknown[];
}

/**
 * Digests of the SQL of migrations, by their names, in their order. A released migration has run in databases of others:
 * its SQL must never change.
 */
export function migrationDigests(
  migrations: readonly (new (driver: never, configuration: never) => Migration)[],
): Record<string, string> {
  return Object.fromEntries(
    migrations.map((Each) => {
      const migration = new Each(undefined as never, undefined as never);
      migration.up();
      const text = JSON.stringify(migration.getQueries());
      return [migration.name ?? Each.name, createHash('sha256').update(text).digest('hex')];
    }),
  );
}
