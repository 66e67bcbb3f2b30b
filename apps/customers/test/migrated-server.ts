import { join } from 'node:path';
import { runMigrations } from '@rapport/persistence';
import {
  provisionDatabase,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type ProvisionedDatabase,
} from '@rapport/testing';
import { inject } from 'vitest';
import { entities } from '../src/database.js';
import { migrations } from '../src/migrations.js';

/**
 * Starts a server of its own with a migrated database. All of a process start with a copy of the same data, whose migrations take three
 * seconds.
 */
export async function startMigratedServer(
  dataDir: string,
): Promise<{ server: EmbeddedPostgres; urls: ProvisionedDatabase }> {
  const { template, urls } = await (made ??= makeTemplate());
  const server = await startEmbeddedPostgres({ dataDir, template });
  return { server, urls: throughPort(server.port, urls) };
}

export function throughPort(port: number, { ownerUrl, appUrl }: ProvisionedDatabase): ProvisionedDatabase {
  const through = (url: string) => Object.assign(new URL(url), { port: String(port) }).href;
  return { ownerUrl: through(ownerUrl), appUrl: through(appUrl) };
}

let made: ReturnType<typeof makeTemplate> | undefined;

async function makeTemplate(): Promise<{ template: string; urls: ProvisionedDatabase }> {
  const template = join(inject('commonFolder'), `migrated-${process.pid}`);
  const server = await startEmbeddedPostgres({ dataDir: template, isTemporary: true });
  const urls = await provisionDatabase(server.superuserUrl, 'customers');
  await runMigrations({ databaseUrl: urls.ownerUrl, entities, migrations });
  await server.stop();
  return { template, urls };
}
