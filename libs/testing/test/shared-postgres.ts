import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedByFiles, startEmbeddedPostgres } from '../src/index.js';

/** The folder of an unused server: others start with a copy of it, which is much faster. */
export const postgresTemplate = sharedByFiles(
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rapport-test-template-'));
    const postgres = await startEmbeddedPostgres({ dataDir: folder });
    await postgres.stop();
    return folder;
  },
  (folder) => rm(folder, { recursive: true }),
);

/** A server for tests that create their own databases or tables. */
export const sharedPostgres = sharedByFiles(
  async () => startEmbeddedPostgres({ template: await postgresTemplate() }),
  (postgres) => postgres.stop(),
);
