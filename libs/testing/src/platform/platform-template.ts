import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../servers/embedded-postgres.js';
import { PlatformCertificates } from './platform-certificates.js';
import { prepareService } from './prepare-service.js';
import { principalKeys } from './principal-keys.js';
import { SecretFiles } from './secret-files.js';

const variable = 'RAPPORT_PLATFORM_TEMPLATE';

/** The template of temporary platforms' databases, if there is one. */
export function platformTemplate(): string | undefined {
  return process.env[variable];
}

/**
 * Creates empty, migrated databases for this process and its children: their temporary platforms start with a copy, since
 * the migrations are a third of the time of a start. For the global set-up of tests. Creates none when this process has
 * inherited one.
 *
 * @returns removes it
 */
export async function makePlatformTemplate(): Promise<() => Promise<void>> {
  if (platformTemplate() !== undefined) return () => Promise.resolve();
  const folder = await mkdtemp(join(tmpdir(), 'rapport-template-'));
  const dataDir = join(folder, 'postgres');
  const postgres = await startEmbeddedPostgres({ dataDir, isTemporary: true });
  try {
    const secrets = await SecretFiles.in(join(folder, 'secrets'));
    const certificates = await PlatformCertificates.in(secrets);
    const trust = { principals: await principalKeys(secrets), certificates };
    const { superuserUrl } = postgres;
    for (const name of ['auth', 'customers', 'sync'] as const) {
      await prepareService(name, superuserUrl, secrets, trust, folder, false, undefined);
    }
    certificates.stop();
  } finally {
    await postgres.stop();
  }
  process.env[variable] = dataDir;
  return async () => {
    delete process.env[variable];
    await rm(folder, { recursive: true });
  };
}
