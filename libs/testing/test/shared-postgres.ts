import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedByFiles, startEmbeddedPostgres } from '../src/index.js';

/** The folder of a server that was never used: others begin as its copy, which takes a small part of the time. */
export const postgresTemplate = sharedByFiles(
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rapport-test-template-'));
    const postgres = await startEmbeddedPostgres({ dataDir: folder });
    await postgres.stop();
    return folder;
  },
  (folder) => rm(folder, { recursive: true }),
);

/** A server for tests that make databases or tables of their own in it. */
export const sharedPostgres = sharedByFiles(
  async () => startEmbeddedPostgres({ template: await postgresTemplate() }),
  (postgres) => postgres.stop(),
);
