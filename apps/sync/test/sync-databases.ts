import { runMigrations } from '@rapport/persistence';
import { DatabaseCopies, type ProvisionedDatabase } from '@rapport/testing';
import { inject } from 'vitest';
import { entities, migrations } from '../src/database.js';

const copies = new DatabaseCopies('sync', ({ ownerUrl }) =>
  runMigrations({ databaseUrl: ownerUrl, entities, migrations }),
);

/** A database of sync of its own, empty and migrated. */
export function createSyncDatabase(): Promise<ProvisionedDatabase> {
  return copies.next(inject('superuserUrl'));
}
