import { randomBytes } from 'node:crypto';
import { runMigrations } from '@rapport/persistence';
import { copyDatabase, DatabaseCopies, type ProvisionedDatabase } from '@rapport/testing';
import { inject } from 'vitest';
import { entities } from '../src/database.js';
import { migrations } from '../src/migrations.js';
import { keysEntities, keysMigrations } from '../src/engine/sealing/keys-database.js';

/** The database of keys, and its master key. */
export interface Keys {
  databaseUrl: string;
  masterKey: Buffer;
  retired?: Buffer[];
}

/** Global, because files that load modules anew have their own instance of this one: migrations run once. */
const worker = globalThis as typeof globalThis &
  Partial<Record<'rapportCustomers' | 'rapportKeys', DatabaseCopies>> & { rapportDatabasesOfFile?: string[] };

const customersDatabases = (worker.rapportCustomers ??= new DatabaseCopies('customers', ({ ownerUrl }) =>
  runMigrations({ databaseUrl: ownerUrl, entities, migrations }),
));

const keysDatabases = (worker.rapportKeys ??= new DatabaseCopies('keys', ({ ownerUrl }) =>
  runMigrations({ databaseUrl: ownerUrl, entities: keysEntities, migrations: keysMigrations }),
));

/** A migrated database without rows. */
export function newDatabase(): Promise<ProvisionedDatabase> {
  return customersDatabases.next(inject('superuserUrl'));
}

/** As `newDatabase`, until the end of the test file (`drop-databases.ts`). */
export async function newDatabaseOfFile(): Promise<ProvisionedDatabase> {
  const database = await newDatabase();
  (worker.rapportDatabasesOfFile ??= []).push(new URL(database.ownerUrl).pathname.slice(1));
  return database;
}

/** A database of keys of its own. */
export async function newKeys(): Promise<Keys & { ownerUrl: string }> {
  const { ownerUrl, appUrl } = await keysDatabases.next(inject('superuserUrl'));
  return { databaseUrl: appUrl, ownerUrl, masterKey: randomBytes(32) };
}

/** Copies a database without connections, as restoring a backup of it does. */
export function restoreBackup(urls: ProvisionedDatabase): Promise<ProvisionedDatabase> {
  return copyDatabase(inject('superuserUrl'), urls, `backup_${randomBytes(6).toString('hex')}`);
}
