import { z } from 'zod';
import { address, filePath, names, port, publicKeys, publicUrl, secretKey, secretKeys } from './read-environment.js';

const postgresUrl = z.url({ protocol: /^postgres(ql)?$/ }).meta({ form: 'URL: `postgres://`', secret: true });

/**
 * Variables that several processes read, each defined once. `description`, `form` and `secret` are what docs/configuration.md says of
 * a variable besides its default: see `tools/configuration-document.ts`.
 */
export const processVariables = {
  ALLOWED_CALLERS: names.default(['edge']).meta({
    description:
      'Certificate names of the processes that may call this service. Auth needs `edge,customers,sync`, customers `edge,sync`.',
  }),
  AUDIT_HEAD_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(86_400)
    .default(600)
    .meta({ description: 'Interval of signing audit heads, in seconds.' }),
  AUDIT_RETIRED_KEYS: publicKeys
    .default([])
    .meta({ description: 'Public Ed25519 keys that signed audit heads before.' }),
  AUDIT_SIGNING_KEY: secretKey.meta({
    description: 'Ed25519 seed that signs audit heads. Each service has its own.',
  }),
  /** Only then does a client look for new replicas (grpc-node#1663). A tenth more or less, so that not all come at once. */
  CONNECTION_AGE_SECONDS: z.coerce.number().int().min(1).max(3_600).default(30).meta({
    description:
      'Longest life of a client connection, in seconds, a tenth more or less. Then the client finds new replicas.',
  }),
  CONSOLE_URL: publicUrl.optional().meta({
    description:
      'Where browsers reach the console, when it has a host of its own. Recommended: pages for signing in are then of another origin. `PUBLIC_URL` when absent.',
  }),
  DATABASE_URL: postgresUrl.meta({ description: "The service's database, as its app role." }),
  GRPC_ADDRESS: address.meta({ description: 'Where the service listens for gRPC.' }),
  HEALTH_PORT: port.meta({ description: 'Plain port of probes and metrics, on all addresses.' }),
  KEYS_DATABASE_URL: postgresUrl.meta({
    description: 'The database of keys, as its app role. Without it no personal data can be encrypted.',
  }),
  KEYS_MIGRATION_DATABASE_URL: postgresUrl.meta({ description: 'The database of keys, as its owner.' }),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .meta({ description: 'Least severe level that is logged.' }),
  MIGRATION_DATABASE_URL: postgresUrl.meta({ description: "The service's database, as its owner." }),
  /** OpenTelemetry's own name for its variable. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({ form: 'URL', description: 'Collector of traces, OTLP over HTTP, without `/v1/traces`. None: no traces.' }),
  PAGE_TOKEN_KEY: secretKey.meta({ description: 'Encrypts page tokens.' }),
  PRINCIPAL_KEYS_FILE: filePath.meta({
    description: 'JWK set of the public keys that verify principal tokens. Read again when it changes.',
  }),
  RETIRED_PAGE_TOKEN_KEYS: secretKeys.default([]).meta({
    description: 'Other values of `PAGE_TOKEN_KEY` whose page tokens and cursors are valid.',
  }),
  RETIRED_MASTER_KEYS: secretKeys.default([]).meta({ description: 'Previous values of `MASTER_KEY`.' }),
  SERVICE_CA_FILE: filePath.meta({ description: "PEM of the platform's authority. Read again when it changes." }),
  SERVICE_CERT_FILE: filePath.meta({ description: "PEM of the process's certificate. Read again when it changes." }),
  SERVICE_KEY_FILE: filePath.meta({
    description: "PEM of the certificate's private key. Read again when it changes.",
  }),
};

/** Environment variables of `verify-audit`, which each service has. */
export const verificationVariables = {
  DATABASE_URL: processVariables.DATABASE_URL,
  AUDIT_SIGNING_KEY: processVariables.AUDIT_SIGNING_KEY,
  AUDIT_RETIRED_KEYS: processVariables.AUDIT_RETIRED_KEYS,
};

/** Environment variables of `archive-audit`, which each service has. */
export const archiveVariables = { DATABASE_URL: processVariables.DATABASE_URL };

/** Environment variables of `verify-audit` with `--file`, which needs public keys only. */
export const auditArchiveVariables = {
  AUDIT_SIGNING_KEY: processVariables.AUDIT_SIGNING_KEY.optional(),
  AUDIT_RETIRED_KEYS: processVariables.AUDIT_RETIRED_KEYS,
};
