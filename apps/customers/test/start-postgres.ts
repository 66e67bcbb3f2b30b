import { startEmbeddedPostgres } from '@rapport/testing';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    superuserUrl: string;
  }
}

/** One server for all test files; each creates its own databases. */
export default async function startPostgres(project: TestProject): Promise<() => Promise<void>> {
  // Most files leave a database behind. At the default, autovacuum needs a twentieth of a processor to look at them.
  const postgres = await startEmbeddedPostgres({ autovacuumNaptimeSeconds: 20 });
  project.provide('superuserUrl', postgres.superuserUrl);
  return () => postgres.stop();
}
