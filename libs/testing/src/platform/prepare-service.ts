import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freePort } from '../free-port.js';
import { provisionDatabase } from '../servers/provision-database.js';
import { runScript } from '../run-script.js';
import { certificateVariables, type PlatformCertificates } from './platform-certificates.js';
import type { PrincipalKeys } from './principal-keys.js';
import type { SecretFiles } from './secret-files.js';

/** The folder of the apps. */
export const apps = join(import.meta.dirname, '../../../../apps');

/** Configuration of a process, by the names of its variables. */
export type Environment = Record<string, string>;

/** The apps with a database. */
export type ServiceName = 'auth' | 'customers' | 'sync';

/** Certificates and principal keys of the processes. */
export interface Trust {
  principals: PrincipalKeys;
  certificates: PlatformCertificates;
}

export interface PreparedService {
  env: Environment;
  address: string;
  healthPort: number;
  appUrl: string;
}

/**
 * Makes the database and the keys of a service, and runs its migrations.
 *
 * @param isMigrated whether its databases are already migrated
 */
export async function prepareService(
  name: ServiceName,
  superuserUrl: string,
  secrets: SecretFiles,
  { principals, certificates }: Trust,
  mailDir: string,
  isMigrated: boolean,
  signal: AbortSignal | undefined,
): Promise<PreparedService> {
  const { ownerUrl, appUrl } = await provisionDatabase(superuserUrl, name);
  const [grpcPort, healthPort] = [await freePort(), await freePort()];
  const env: Environment = {
    GRPC_ADDRESS: `127.0.0.1:${grpcPort}`,
    HEALTH_PORT: String(healthPort),
    DATABASE_URL_FILE: await secrets.put(`${name}-database-url`, appUrl),
    PAGE_TOKEN_KEY_FILE: await secrets.key(`${name}-page-token-key`),
    AUDIT_SIGNING_KEY_FILE: await secrets.key(`${name}-audit-signing-key`),
    PRINCIPAL_KEYS_FILE: principals.publicKeysFile,
    ...certificateVariables(await certificates.of(name)),
  };
  if (name === 'sync') {
    env['MASTER_KEY_FILE'] = await secrets.key('sync-master-key');
    // Webhooks are tried out with a receiver on this machine.
    env['OUTGOING_ALLOWED_HOSTS'] = '127.0.0.1,localhost';
  } else {
    env['ALLOWED_CALLERS'] = name === 'auth' ? 'edge,customers,sync' : 'edge,sync';
  }
  if (name === 'auth') {
    env['API_KEY_HMAC_KEY_FILE'] = await secrets.key('auth-api-key-hmac-key');
    env['PRINCIPAL_SIGNING_KEY_FILE'] = principals.signingKeyFile;
    env['ACCOUNT_KEY_FILE'] = await secrets.key('auth-account-key');
    env['OIDC_KEY_FILE'] = await secrets.key('auth-oidc-key');
    env['MAIL_URL'] = pathToFileURL(mailDir).href;
  }
  const keys = name === 'customers' ? await prepareKeys(superuserUrl, secrets) : undefined;
  Object.assign(env, keys?.env);
  const migrationEnv = {
    ...env,
    ...keys?.migrationEnv,
    MIGRATION_DATABASE_URL_FILE: await secrets.put(`${name}-migration-database-url`, ownerUrl),
  };
  if (!isMigrated) await runScript(join(apps, name, 'dist/migrate.js'), [], migrationEnv, signal);
  return { env, address: `127.0.0.1:${grpcPort}`, healthPort, appUrl };
}

/** Makes the database of the keys of personal data, and the keys of customers. */
async function prepareKeys(
  superuserUrl: string,
  secrets: SecretFiles,
): Promise<{ env: Environment; migrationEnv: Environment }> {
  const { ownerUrl, appUrl } = await provisionDatabase(superuserUrl, 'keys');
  return {
    env: {
      SUPPRESSION_HMAC_KEY_FILE: await secrets.key('customers-suppression-hmac-key'),
      MASTER_KEY_FILE: await secrets.key('customers-master-key'),
      KEYS_DATABASE_URL_FILE: await secrets.put('customers-keys-database-url', appUrl),
    },
    migrationEnv: {
      KEYS_MIGRATION_DATABASE_URL_FILE: await secrets.put('customers-keys-migration-database-url', ownerUrl),
    },
  };
}
