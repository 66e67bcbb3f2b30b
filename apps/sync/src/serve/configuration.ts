import { isIP } from 'node:net';
import { names, processVariables, secretKey, target } from '@rapport/platform';
import { z } from 'zod';

const seconds = z
  .string()
  .regex(/^\d{1,7}(,\d{1,7}){0,19}$/, 'must be up to 20 numbers of seconds, by comma')
  .transform((text) => text.split(',').map(Number))
  .meta({ form: 'integers by comma' });

const nameServers = names.refine(
  (servers) =>
    servers.every(
      (server) => /:\d{1,5}$/.test(server) && isIP(server.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')) > 0,
    ),
  'must be address:port, by comma',
);

const masterKey = secretKey.meta({
  description: 'Seals secrets of endpoints and connections, and values of events.',
});

/** Environment variables of the service. Each can be given as a file, by NAME_FILE. */
export const serviceVariables = {
  GRPC_ADDRESS: processVariables.GRPC_ADDRESS.default('127.0.0.1:50053'),
  CONNECTION_AGE_SECONDS: processVariables.CONNECTION_AGE_SECONDS,
  HEALTH_PORT: processVariables.HEALTH_PORT.default(8084),
  DATABASE_URL: processVariables.DATABASE_URL,
  PAGE_TOKEN_KEY: processVariables.PAGE_TOKEN_KEY,
  RETIRED_PAGE_TOKEN_KEYS: processVariables.RETIRED_PAGE_TOKEN_KEYS,
  MASTER_KEY: masterKey,
  /** Each goes when the events of its time are gone. */
  RETIRED_MASTER_KEYS: processVariables.RETIRED_MASTER_KEYS,
  AUTH_ADDRESS: target.meta({ description: 'The service auth.' }),
  CUSTOMERS_ADDRESS: target.meta({ description: 'The service customers.' }),
  RIGHTS_KEPT_SECONDS: z.coerce.number().int().min(1).max(10).default(10).meta({
    description: 'How long exchanges cache the permissions of their principal, in seconds.',
  }),
  FILES_DIR: z.string().default('').meta({
    form: 'path',
    description: 'Folder with a folder for each tenant id, whose files connections read. Empty: no such connections.',
  }),
  OUTGOING_ALLOWED_HOSTS: names.default([]).meta({
    description: 'Hosts that may be called over plain HTTP and at private addresses.',
  }),
  DNS_SERVERS: nameServers.default([]).meta({
    form: '`address:port` by comma',
    description: 'Name servers that checks of the DNS records of relays ask. Empty: those of the system.',
  }),
  CLAMD_ADDRESS: z
    .string()
    .regex(/^([^\s:/]+:\d{1,5})?$/, 'must be host:port')
    .default('')
    .meta({
      form: '`host:port`',
      description: 'ClamAV (`clamd` over TCP), which scans attachments of received mail. Empty: they are not scanned.',
    }),
  RETRY_SCHEDULE_SECONDS: seconds
    .default([5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400])
    .meta({ description: 'Delay after each failed attempt of a webhook, in seconds.' }),
  FAILING_SECONDS: z.coerce.number().int().min(1).max(2_592_000).default(432_000).meta({
    description: 'How long an endpoint may only fail before it is disabled, in seconds.',
  }),
  ATTEMPT_TIMEOUT_MS: z.coerce.number().int().min(100).max(60_000).default(15_000).meta({
    description: 'Time limit of an attempt, in milliseconds.',
  }),
  WEBHOOK_RETENTION_DAYS: z.coerce.number().int().min(4).max(365).default(30).meta({
    description: 'Least days that events, deliveries and incoming webhooks are kept.',
  }),
  AUDIT_SIGNING_KEY: processVariables.AUDIT_SIGNING_KEY,
  AUDIT_RETIRED_KEYS: processVariables.AUDIT_RETIRED_KEYS,
  AUDIT_HEAD_SECONDS: processVariables.AUDIT_HEAD_SECONDS,
  PRINCIPAL_KEYS_FILE: processVariables.PRINCIPAL_KEYS_FILE,
  SERVICE_CERT_FILE: processVariables.SERVICE_CERT_FILE,
  SERVICE_KEY_FILE: processVariables.SERVICE_KEY_FILE,
  SERVICE_CA_FILE: processVariables.SERVICE_CA_FILE,
  ALLOWED_CALLERS: processVariables.ALLOWED_CALLERS,
  LOG_LEVEL: processVariables.LOG_LEVEL,
  OTEL_EXPORTER_OTLP_ENDPOINT: processVariables.OTEL_EXPORTER_OTLP_ENDPOINT,
};

export { archiveVariables, auditArchiveVariables, verificationVariables } from '@rapport/platform';

/** Environment variables of `keys-in-use`. */
export const keysInUseVariables = {
  DATABASE_URL: processVariables.DATABASE_URL,
  MASTER_KEY: masterKey,
  RETIRED_MASTER_KEYS: processVariables.RETIRED_MASTER_KEYS,
  AUDIT_SIGNING_KEY: processVariables.AUDIT_SIGNING_KEY,
  AUDIT_RETIRED_KEYS: processVariables.AUDIT_RETIRED_KEYS,
};

/** Environment variables of `quarantine`. */
export const quarantineVariables = {
  DATABASE_URL: processVariables.DATABASE_URL,
};

/** Environment variables of `migrate`. */
export const migrationVariables = {
  MIGRATION_DATABASE_URL: processVariables.MIGRATION_DATABASE_URL,
};
