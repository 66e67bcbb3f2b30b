import { address, ed25519Key, processVariables, publicUrl, secretKey, secretKeys } from '@rapport/platform';
import { z } from 'zod';

const signingKey = ed25519Key.meta({
  description: 'Signs principal tokens, which say for which caller a call is made.',
});
const apiKeyHmacKey = secretKey.meta({ description: 'HMAC key under which API keys are stored.' });

/** The secrets under which the database stores values, with other values of each. */
const storedSecrets = {
  API_KEY_HMAC_KEY: apiKeyHmacKey,
  RETIRED_API_KEY_HMAC_KEYS: secretKeys.default([]).meta({
    description: 'Other values of `API_KEY_HMAC_KEY` under which API keys and client secrets are stored.',
  }),
  ACCOUNT_KEY: secretKey.meta({
    description: 'Encrypts authenticator secrets; HMAC key of recovery codes and attempt counters.',
  }),
  RETIRED_ACCOUNT_KEYS: secretKeys.default([]).meta({ description: 'Other values of `ACCOUNT_KEY` that are in use.' }),
  OIDC_KEY: secretKey.meta({ description: 'Seals the signing keys and cookies of the OpenID provider.' }),
  RETIRED_OIDC_KEYS: secretKeys.default([]).meta({ description: 'Other values of `OIDC_KEY` that are in use.' }),
  AUDIT_SIGNING_KEY: processVariables.AUDIT_SIGNING_KEY,
  AUDIT_RETIRED_KEYS: processVariables.AUDIT_RETIRED_KEYS,
};

/** Environment variables of the service. Each may also be set as NAME_FILE, the path of a file. */
export const serviceVariables = {
  GRPC_ADDRESS: processVariables.GRPC_ADDRESS.default('127.0.0.1:50051'),
  CONNECTION_AGE_SECONDS: processVariables.CONNECTION_AGE_SECONDS,
  HEALTH_PORT: processVariables.HEALTH_PORT.default(8081),
  DATABASE_URL: processVariables.DATABASE_URL,
  ...storedSecrets,
  PAGE_TOKEN_KEY: processVariables.PAGE_TOKEN_KEY,
  RETIRED_PAGE_TOKEN_KEYS: processVariables.RETIRED_PAGE_TOKEN_KEYS,
  HTTP_ADDRESS: address
    .default('127.0.0.1:8083')
    .meta({ description: 'Where the OpenID provider listens for the edge.' }),
  MAIL_URL: z.url({ protocol: /^(smtps?|file)$/ }).meta({
    form: 'URL: `smtp://`, `smtps://`, `file://`',
    secret: true,
    description: 'Sends mails, or writes them into a folder (`file://`).',
  }),
  MAIL_FROM: z.string().min(3).default('Rapport <no-reply@localhost>').meta({ description: 'Sender of mails.' }),
  PUBLIC_URL: publicUrl.default('http://127.0.0.1:8080').meta({
    description: 'Where browsers and clients reach the edge. The issuer of tokens.',
  }),
  CONSOLE_URL: processVariables.CONSOLE_URL,
  AUDIT_HEAD_SECONDS: processVariables.AUDIT_HEAD_SECONDS,
  PRINCIPAL_SIGNING_KEY: signingKey,
  /** Longer than a principal token is valid and a job continues. */
  CLOSING_SETTLE_SECONDS: z.coerce.number().int().min(1).max(86_400).default(300).meta({
    description: 'How long passes must find no row of a closed tenant before its closing is complete, in seconds.',
  }),
  PRINCIPAL_KEYS_FILE: processVariables.PRINCIPAL_KEYS_FILE,
  SERVICE_CERT_FILE: processVariables.SERVICE_CERT_FILE,
  SERVICE_KEY_FILE: processVariables.SERVICE_KEY_FILE,
  SERVICE_CA_FILE: processVariables.SERVICE_CA_FILE,
  ALLOWED_CALLERS: processVariables.ALLOWED_CALLERS,
  LOG_LEVEL: processVariables.LOG_LEVEL,
  OTEL_EXPORTER_OTLP_ENDPOINT: processVariables.OTEL_EXPORTER_OTLP_ENDPOINT,
};

export { archiveVariables, auditArchiveVariables, verificationVariables } from '@rapport/platform';

/** Variables of `keys-in-use`. */
export const keysInUseVariables = {
  DATABASE_URL: processVariables.DATABASE_URL,
  ...storedSecrets,
};

/** Variables of `migrate`. */
export const migrationVariables = {
  MIGRATION_DATABASE_URL: processVariables.MIGRATION_DATABASE_URL,
};

/** Variables of `print-principal-keys`. */
export const principalKeyVariables = {
  PRINCIPAL_SIGNING_KEY: signingKey,
};

/** Variables of `create-tenant`. */
export const createTenantVariables = {
  DATABASE_URL: processVariables.DATABASE_URL,
  API_KEY_HMAC_KEY: apiKeyHmacKey,
};
