import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectorEnvironment } from '../../src/connectors/connector-environment.js';
import { FolderFiles } from '../../src/connectors/files/file-store.js';

/** Lets connectors reach this machine, and the files of a folder of their own. */
export async function realEnvironment(): Promise<{
  environment: ConnectorEnvironment;
  folder: string;
  remove: () => Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'rapport-files-'));
  const environment = { fetch, resolveHost: async (host: string) => host, files: new FolderFiles(folder) };
  return { environment, folder, remove: () => rm(folder, { recursive: true }) };
}
