import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@rapport/testing';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    superuserUrl: string;
    /** A folder for data that several files use, removed at the end. */
    commonFolder: string;
  }
}

/** One server for all test files; each creates its own databases. */
export default async function startPostgres(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startEmbeddedPostgres();
  project.provide('superuserUrl', postgres.superuserUrl);
  const folder = await mkdtemp(join(tmpdir(), 'rapport-common-'));
  project.provide('commonFolder', folder);
  return async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
