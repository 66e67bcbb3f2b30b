import { MikroORM } from '@mikro-orm/postgresql';
import {
  ContractClient,
  PrincipalVerifier,
  runGrpcService,
  serviceDefinitions,
  ServiceCertificates,
} from '@rapport/contracts';
import { AuditKeys, databaseChecks, PageTokenKey } from '@rapport/persistence';
import { createLogger, readEnvironment, startTracing } from '@rapport/platform';
import { checkOutbox } from './engine/changes/log/outbox-state.js';
import { serviceVariables } from './configuration.js';
import { contract } from './engine/values/contract.js';
import { CustomersModule } from './customers.module.js';
import { migrations } from './migrations.js';
import { subjectKeysOf } from './engine/sealing/subject-keys-of.js';
import { runHandlers, services } from './services.js';
import { SuppressionKey } from './domain/suppressions/suppression-key.js';

const config = readEnvironment(serviceVariables);
const logger = createLogger('customers', config.LOG_LEVEL);
await startTracing({ process: 'customers', endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT }, logger);
const principals = PrincipalVerifier.ofFile(config.PRINCIPAL_KEYS_FILE, logger);

const certificates = new ServiceCertificates(
  { certificate: config.SERVICE_CERT_FILE, key: config.SERVICE_KEY_FILE, authority: config.SERVICE_CA_FILE },
  logger,
);

await runGrpcService({
  module: CustomersModule.register({
    databaseUrl: config.DATABASE_URL,
    pageTokenKey: new PageTokenKey(config.PAGE_TOKEN_KEY, config.RETIRED_PAGE_TOKEN_KEYS),
    suppressionKey: new SuppressionKey(config.SUPPRESSION_HMAC_KEY),
    subjectKeys: subjectKeysOf(config),
    auth: new ContractClient(config.AUTH_ADDRESS, serviceDefinitions, { certificates, serviceName: 'auth' }, contract),
    principals,
    publicUrl: config.PUBLIC_URL,
    consoleUrl: config.CONSOLE_URL,
    fileQuotaBytes: config.FILE_QUOTA_BYTES,
    retention: { days: config.CHANGE_RETENTION_DAYS, mostBytes: config.CHANGE_LOG_BYTES },
    auditKeys: new AuditKeys('customers', config.AUDIT_SIGNING_KEY, config.AUDIT_RETIRED_KEYS),
    auditHeadSeconds: config.AUDIT_HEAD_SECONDS,
  }),
  services: [...services],
  contract,
  address: config.GRPC_ADDRESS,
  connectionAgeSeconds: config.CONNECTION_AGE_SECONDS,
  healthPort: config.HEALTH_PORT,
  logger,
  principals,
  tls: { certificates, allowedCallers: config.ALLOWED_CALLERS },
  runHandlers,
  readinessChecks: (app) => ({
    needed: databaseChecks(app.get(MikroORM).em, migrations),
    watched: { changeLog: () => checkOutbox(app.get(MikroORM).em) },
  }),
});
