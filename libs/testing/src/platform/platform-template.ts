import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../servers/embedded-postgres.js';
import { PlatformCertificates } from './platform-certificates.js';
import { prepareService } from './prepare-service.js';
import { principalKeys } from './principal-keys.js';
import { SecretFiles } from './secret-files.js';

const variable = 'RAPPORT_PLATFORM_TEMPLATE';

/** Where the databases of temporary platforms are copied from, if there is such a place. */
export function platformTemplate(): string | undefined {
  return process.env[variable];
}

/**
 * Makes empty databases, migrated, for this process and those it starts: their temporary platforms begin with a copy, since
 * the migrations are a third of what a start takes. For the global set-up of tests. It makes none when this process was given one.
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
