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
  target,
  tracesEndpoint,
} from '@rapport/platform';
import { z } from 'zod';

const databaseUrl = z.url({ protocol: /^postgres(ql)?$/ });

/** Seconds by comma. */
const seconds = z
  .string()
  .regex(/^\d{1,7}(,\d{1,7}){0,19}$/, 'must be up to 20 numbers of seconds, by comma')
  .transform((text) => text.split(',').map(Number));

/** What the service reads from its environment. Each may be given as NAME_FILE. */
export const serviceVariables = {
  GRPC_ADDRESS: address.default('127.0.0.1:50053'),
  CONNECTION_AGE_SECONDS: connectionAgeSeconds,
  HEALTH_PORT: port.default(8084),
  /** As the app role. */
  DATABASE_URL: databaseUrl,
  PAGE_TOKEN_KEY: secretKey,
  /** Seals the secrets of endpoints and connections, and the values of events. */
  MASTER_KEY: secretKey,
  /** Master keys that sealed before. Each goes when the events of its time are gone. */
  RETIRED_MASTER_KEYS: secretKeys.default([]),
  AUTH_ADDRESS: target,
  CUSTOMERS_ADDRESS: target,
  /** How long exchanges cache the permissions of the principal they run as, in seconds. */
  RIGHTS_KEPT_SECONDS: z.coerce.number().int().min(1).max(10).default(10),
  /** Has a folder for each tenant, by its id, of the files that connections read. Without it there are none. */
  FILES_DIR: z.string().default(''),
  /** Hosts that may be called by plain http and though they are within our networks. */
  OUTGOING_ALLOWED_HOSTS: names.default([]),
  /** How long after each failed attempt the next one follows. */
  RETRY_SCHEDULE_SECONDS: seconds.default([5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]),
  /** How long an endpoint may do nothing but fail. */
  FAILING_SECONDS: z.coerce.number().int().min(1).max(2_592_000).default(432_000),
  /** How long an endpoint may take for its answer. */
  ATTEMPT_TIMEOUT_MS: z.coerce.number().int().min(100).max(60_000).default(15_000),
  /** How long events, deliveries and webhooks that came in are kept at least. */
  WEBHOOK_RETENTION_DAYS: z.coerce.number().int().min(4).max(365).default(30),
  /** Ed25519, by which heads of the audit are signed. */
  AUDIT_SIGNING_KEY: secretKey,
  /** Public keys of those that signed before. */
  AUDIT_RETIRED_KEYS: publicKeys.default([]),
  /** How often heads are signed. */
  AUDIT_HEAD_SECONDS: z.coerce.number().int().min(1).max(86_400).default(600),
  PRINCIPAL_KEYS_FILE: filePath,
  SERVICE_CERT_FILE: filePath,
  SERVICE_KEY_FILE: filePath,
  SERVICE_CA_FILE: filePath,
  ALLOWED_CALLERS: names.default(['edge']),
  LOG_LEVEL: logLevel,
  OTEL_EXPORTER_OTLP_ENDPOINT: tracesEndpoint,
};

/** What `verify-audit` reads. */
export const verificationVariables = {
  DATABASE_URL: databaseUrl,
  AUDIT_SIGNING_KEY: serviceVariables.AUDIT_SIGNING_KEY,
  AUDIT_RETIRED_KEYS: serviceVariables.AUDIT_RETIRED_KEYS,
};

/** What `quarantine` reads. */
export const quarantineVariables = {
  /** As the app role. */
  DATABASE_URL: databaseUrl,
};

/** What `migrate` reads. */
export const migrationVariables = {
  /** As the owner of the database. */
  MIGRATION_DATABASE_URL: databaseUrl,
};
