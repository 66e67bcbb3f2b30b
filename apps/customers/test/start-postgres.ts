import { startEmbeddedPostgres } from '@rapport/testing';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    superuserUrl: string;
  }
}

/** One server for all test files; each creates its own databases. */
export default async function startPostgres(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startEmbeddedPostgres();
  project.provide('superuserUrl', postgres.superuserUrl);
  return () => postgres.stop();
}
