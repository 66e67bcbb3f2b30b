import pg from 'pg';
import { afterAll, inject } from 'vitest';

/** Filled by `newDatabaseOfFile`, which files without a database need not load. */
const worker = globalThis as typeof globalThis & { rapportDatabasesOfFile?: string[] };

// Autovacuum looks at each database of the server every 20 seconds, at 6 to 9 ms of processor time.
afterAll(async () => {
  const names = worker.rapportDatabasesOfFile?.splice(0) ?? [];
  if (names.length === 0) return;
  const superuser = new pg.Client(inject('superuserUrl'));
  await superuser.connect();
  for (const name of names) await superuser.query(`drop database ${pg.escapeIdentifier(name)} with (force)`);
  await superuser.end();
});
