import { address, ed25519Key, filePath, logLevel, names, port, secretKey } from '@rapport/platform';
import { z } from 'zod';

const databaseUrl = z.url({ protocol: /^postgres(ql)?$/ });

/** What the service reads from its environment. Each may be given as NAME_FILE. */
export const serviceVariables = {
  GRPC_ADDRESS: address.default('127.0.0.1:50051'),
  HEALTH_PORT: port.default(8081),
  /** As the app role. */
  DATABASE_URL: databaseUrl,
  API_KEY_HMAC_KEY: secretKey,
  PAGE_TOKEN_KEY: secretKey,
  /** Signs for whom calls are made. */
  PRINCIPAL_SIGNING_KEY: ed25519Key,
  PRINCIPAL_KEYS_FILE: filePath,
  SERVICE_CERT_FILE: filePath,
  SERVICE_KEY_FILE: filePath,
  SERVICE_CA_FILE: filePath,
  ALLOWED_CALLERS: names.default(['edge']),
  LOG_LEVEL: logLevel,
};

/** What `migrate` reads. */
export const migrationVariables = {
  /** As the owner of the database. */
  MIGRATION_DATABASE_URL: databaseUrl,
};

/** What `print-principal-keys` reads. */
export const principalKeyVariables = {
  PRINCIPAL_SIGNING_KEY: ed25519Key,
};

/** What `create-tenant` reads. */
export const createTenantVariables = {
  DATABASE_URL: databaseUrl,
  API_KEY_HMAC_KEY: secretKey,
};
