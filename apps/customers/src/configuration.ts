import {
  address,
  connectionAgeSeconds,
  filePath,
  logLevel,
  names,
  port,
  publicKeys,
  secretKey,
  secretKeys,
  tracesEndpoint,
} from '@rapport/platform';
import { z } from 'zod';

const databaseUrl = z.url({ protocol: /^postgres(ql)?$/ });

/** What the service reads from its environment. Each may be given as NAME_FILE. */
export const serviceVariables = {
  GRPC_ADDRESS: address.default('127.0.0.1:50052'),
  CONNECTION_AGE_SECONDS: connectionAgeSeconds,
  HEALTH_PORT: port.default(8082),
  /** As the app role. */
  DATABASE_URL: databaseUrl,
  PAGE_TOKEN_KEY: secretKey,
  PRINCIPAL_KEYS_FILE: filePath,
  SERVICE_CERT_FILE: filePath,
  SERVICE_KEY_FILE: filePath,
  SERVICE_CA_FILE: filePath,
  ALLOWED_CALLERS: names.default(['edge']),
  /** What suppressed addresses are hashed with. Another one would lift every suppression. */
  SUPPRESSION_HMAC_KEY: secretKey,
  /** Of the database of keys, as its app role. Without it no tenant's personal data can be encrypted. */
  KEYS_DATABASE_URL: databaseUrl.optional(),
  /** Wraps the keys of tenants. */
  MASTER_KEY: secretKey.optional(),
  /** Master keys that wrapped before. Each goes when no row of tenant_key has its id any more. */
  RETIRED_MASTER_KEYS: secretKeys.default([]),
  /** How long changes are kept at least; longer while a live consumer has not read them. */
  CHANGE_RETENTION_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
  /** Most bytes that the files of a tenant take. */
  FILE_QUOTA_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .default(10 * 1_024 ** 3),
  /** Ed25519, by which heads of the audit are signed. */
  AUDIT_SIGNING_KEY: secretKey,
  /** Public keys of those that signed before. */
  AUDIT_RETIRED_KEYS: publicKeys.default([]),
  /** How often heads are signed. */
  AUDIT_HEAD_SECONDS: z.coerce.number().int().min(1).max(86_400).default(600),
  LOG_LEVEL: logLevel,
  OTEL_EXPORTER_OTLP_ENDPOINT: tracesEndpoint,
};

/** What `verify-audit` reads. */
export const verificationVariables = {
  DATABASE_URL: databaseUrl,
  AUDIT_SIGNING_KEY: serviceVariables.AUDIT_SIGNING_KEY,
  AUDIT_RETIRED_KEYS: serviceVariables.AUDIT_RETIRED_KEYS,
};

/** What `migrate` reads. */
export const migrationVariables = {
  /** As the owner of the database. */
  MIGRATION_DATABASE_URL: databaseUrl,
  /** As the owner of the database of keys, when there is one. */
  KEYS_MIGRATION_DATABASE_URL: databaseUrl.optional(),
};
