import { MikroORM } from '@mikro-orm/postgresql';
import { PrincipalSigner, PrincipalVerifier, runGrpcService, ServiceCertificates } from '@rapport/contracts';
import { AuditKeys, databaseChecks, inTenantSession, PageTokenKey } from '@rapport/persistence';
import { createLogger, KeyRing, readEnvironment, startTracing } from '@rapport/platform';
import { AuthModule, services } from './auth.module.js';
import { ClosingRules } from './tenants/open-closings.js';
import { serviceVariables } from './configuration.js';
import { migrations } from './storage/database.js';
import { Secrets } from './storage/secrets.js';

const config = readEnvironment(serviceVariables);
const logger = createLogger('auth', config.LOG_LEVEL);
await startTracing({ process: 'auth', endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT }, logger);
const { DATABASE_URL: databaseUrl, PUBLIC_URL: publicUrl } = config;
const tls = {
  certificates: new ServiceCertificates(
    { certificate: config.SERVICE_CERT_FILE, key: config.SERVICE_KEY_FILE, authority: config.SERVICE_CA_FILE },
    logger,
  ),
  allowedCallers: config.ALLOWED_CALLERS,
};

await runGrpcService({
  module: AuthModule.register({
    databaseUrl,
    secrets: new Secrets(
      new KeyRing('API_KEY_HMAC_KEY', config.API_KEY_HMAC_KEY, config.RETIRED_API_KEY_HMAC_KEYS),
      new PageTokenKey(config.PAGE_TOKEN_KEY, config.RETIRED_PAGE_TOKEN_KEYS),
      new KeyRing('OIDC_KEY', config.OIDC_KEY, config.RETIRED_OIDC_KEYS),
    ),
    accountKeys: new KeyRing('ACCOUNT_KEY', config.ACCOUNT_KEY, config.RETIRED_ACCOUNT_KEYS),
    mail: { mailUrl: config.MAIL_URL, mailFrom: config.MAIL_FROM },
    oidc: { issuer: publicUrl, consoleUrl: config.CONSOLE_URL, address: config.HTTP_ADDRESS, databaseUrl, logger, tls },
    publicUrl,
    auditKeys: new AuditKeys('auth', config.AUDIT_SIGNING_KEY, config.AUDIT_RETIRED_KEYS),
    auditHeadSeconds: config.AUDIT_HEAD_SECONDS,
    closingRules: new ClosingRules(config.CLOSING_SETTLE_SECONDS),
    principals: await PrincipalSigner.of(config.PRINCIPAL_SIGNING_KEY),
  }),
  services: [...services],
  address: config.GRPC_ADDRESS,
  connectionAgeSeconds: config.CONNECTION_AGE_SECONDS,
  healthPort: config.HEALTH_PORT,
  logger,
  principals: PrincipalVerifier.ofFile(config.PRINCIPAL_KEYS_FILE, logger),
  tls,
  runHandlers: (app) => (handle) => inTenantSession(app.get(MikroORM).em, handle),
  readinessChecks: (app) => ({ needed: databaseChecks(app.get(MikroORM).em, migrations) }),
});
