import { runMigrations } from '@rapport/persistence';
import { provisionDatabase, startEmbeddedPostgres, type ProvisionedDatabase } from '@rapport/testing';
import type { TestProject } from 'vitest/node';
import { entities, migrations } from '../src/storage/database.js';

declare module 'vitest' {
  interface ProvidedContext {
    superuserUrl: string;
    /** A migrated database without rows, the template of the others. Nothing connects to it. */
    template: ProvisionedDatabase;
  }
}

/** Starts one server for all test files, with the template of their databases. */
export default async function startPostgres(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startEmbeddedPostgres();
  const template = await provisionDatabase(postgres.superuserUrl, 'auth');
  await runMigrations({ databaseUrl: template.ownerUrl, entities, migrations });
  project.provide('superuserUrl', postgres.superuserUrl);
  project.provide('template', template);
  return () => postgres.stop();
}
