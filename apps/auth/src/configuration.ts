import {
  address,
  connectionAgeSeconds,
  ed25519Key,
  filePath,
  logLevel,
  names,
  port,
  publicKeys,
  publicUrl,
  secretKey,
  tracesEndpoint,
} from '@rapport/platform';
import { z } from 'zod';

const databaseUrl = z.url({ protocol: /^postgres(ql)?$/ });

/** What the service reads from its environment. Each may be given as NAME_FILE. */
export const serviceVariables = {
  GRPC_ADDRESS: address.default('127.0.0.1:50051'),
  CONNECTION_AGE_SECONDS: connectionAgeSeconds,
  HEALTH_PORT: port.default(8081),
  /** As the app role. */
  DATABASE_URL: databaseUrl,
  API_KEY_HMAC_KEY: secretKey,
  PAGE_TOKEN_KEY: secretKey,
  ACCOUNT_KEY: secretKey,
  /** Where the edge finds the OpenID provider. */
  HTTP_ADDRESS: address.default('127.0.0.1:8083'),
  OIDC_KEY: secretKey,
  /** How mails are sent: smtp://, smtps://, or the file:// URL of a folder. */
  MAIL_URL: z.url({ protocol: /^(smtps?|file)$/ }),
  MAIL_FROM: z.string().min(3).default('Rapport <no-reply@localhost>'),
  /** Where browsers reach the edge: scheme, host and port. */
  PUBLIC_URL: publicUrl.default('http://127.0.0.1:8080'),
  /** Ed25519, by which heads of the audit are signed. */
  AUDIT_SIGNING_KEY: secretKey,
  /** Public keys of those that signed before. */
  AUDIT_RETIRED_KEYS: publicKeys.default([]),
  /** How often heads are signed. */
  AUDIT_HEAD_SECONDS: z.coerce.number().int().min(1).max(86_400).default(600),
  /** Signs for whom calls are made. */
  PRINCIPAL_SIGNING_KEY: ed25519Key,
  /** For how many seconds passes must find no row of a closed tenant: longer than principals are vouched for and jobs go on. */
  CLOSING_SETTLE_SECONDS: z.coerce.number().int().min(1).max(86_400).default(300),
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
