import { processVariables, publicUrl, secretKey, target } from '@rapport/platform';
import { z } from 'zod';

const masterKey = secretKey.meta({ description: 'Wraps the keys of tenants. Needed with `KEYS_DATABASE_URL`.' });

/** What the service reads from its environment. Each may be given as NAME_FILE. */
export const serviceVariables = {
  GRPC_ADDRESS: processVariables.GRPC_ADDRESS.default('127.0.0.1:50052'),
  CONNECTION_AGE_SECONDS: processVariables.CONNECTION_AGE_SECONDS,
  HEALTH_PORT: processVariables.HEALTH_PORT.default(8082),
  DATABASE_URL: processVariables.DATABASE_URL,
  PAGE_TOKEN_KEY: processVariables.PAGE_TOKEN_KEY,
  RETIRED_PAGE_TOKEN_KEYS: processVariables.RETIRED_PAGE_TOKEN_KEYS,
  PRINCIPAL_KEYS_FILE: processVariables.PRINCIPAL_KEYS_FILE,
  SERVICE_CERT_FILE: processVariables.SERVICE_CERT_FILE,
  SERVICE_KEY_FILE: processVariables.SERVICE_KEY_FILE,
  SERVICE_CA_FILE: processVariables.SERVICE_CA_FILE,
  ALLOWED_CALLERS: processVariables.ALLOWED_CALLERS,
  AUTH_ADDRESS: target.meta({ description: 'The service auth.' }),
  SUPPRESSION_HMAC_KEY: secretKey.meta({
    description: 'HMAC key under which suppressed addresses are stored. Another one would lift every suppression.',
  }),
  KEYS_DATABASE_URL: processVariables.KEYS_DATABASE_URL.optional(),
  MASTER_KEY: masterKey.optional(),
  /** Each goes when no row of tenant_key has its id. */
  RETIRED_MASTER_KEYS: processVariables.RETIRED_MASTER_KEYS,
  CHANGE_RETENTION_DAYS: z.coerce.number().int().min(1).max(3_650).default(30).meta({
    description: 'Least days that changes are kept; longer while a live consumer has not read them.',
  }),
  CHANGE_LOG_BYTES: z.coerce
    .number()
    .int()
    .min(256 * 1_024 ** 2)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .meta({
      description:
        'Bytes above which the oldest changes are dropped before `CHANGE_RETENTION_DAYS`, unless a live consumer has not read them.',
    }),
  FILE_QUOTA_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .default(10 * 1_024 ** 3)
    .meta({ description: 'Most bytes of the files of a tenant.' }),
  CONSOLE_URL: processVariables.CONSOLE_URL,
  PUBLIC_URL: publicUrl.default('http://127.0.0.1:8080').meta({
    description: 'Where browsers and clients reach the edge. Links in mails begin with it.',
  }),
  AUDIT_SIGNING_KEY: processVariables.AUDIT_SIGNING_KEY,
  AUDIT_RETIRED_KEYS: processVariables.AUDIT_RETIRED_KEYS,
  AUDIT_HEAD_SECONDS: processVariables.AUDIT_HEAD_SECONDS,
  LOG_LEVEL: processVariables.LOG_LEVEL,
  OTEL_EXPORTER_OTLP_ENDPOINT: processVariables.OTEL_EXPORTER_OTLP_ENDPOINT,
};

export { archiveVariables, auditArchiveVariables, verificationVariables } from '@rapport/platform';

/** Environment variables of `keys-in-use`. */
export const keysInUseVariables = {
  DATABASE_URL: processVariables.DATABASE_URL,
  KEYS_DATABASE_URL: processVariables.KEYS_DATABASE_URL,
  MASTER_KEY: masterKey,
  RETIRED_MASTER_KEYS: processVariables.RETIRED_MASTER_KEYS,
  AUDIT_SIGNING_KEY: processVariables.AUDIT_SIGNING_KEY,
  AUDIT_RETIRED_KEYS: processVariables.AUDIT_RETIRED_KEYS,
};

/** Environment variables of `migrate`. */
export const migrationVariables = {
  MIGRATION_DATABASE_URL: processVariables.MIGRATION_DATABASE_URL,
  KEYS_MIGRATION_DATABASE_URL: processVariables.KEYS_MIGRATION_DATABASE_URL.optional(),
};
