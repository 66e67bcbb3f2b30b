import { MikroORM } from '@mikro-orm/postgresql';
import {
  ContractClient,
  platformContract,
  PrincipalVerifier,
  runGrpcService,
  serviceDefinitions,
  ServiceCertificates,
} from '@rapport/contracts';
import { AuditKeys, databaseChecks, inTenantSession, PageTokenKey } from '@rapport/persistence';
import { createLogger, MasterKeys, readEnvironment, startTracing } from '@rapport/platform';
import { serviceVariables } from './serve/configuration.js';
import { entities, migrations } from './database.js';
import { FeedConsumer } from './feed/feed-consumer.js';
import { FlowWorker } from './flows/worker/flow-worker.js';
import { OutgoingHttp } from './outgoing-http/outgoing-http.js';
import { services } from './serve/services.js';
import { SecretEnvelope } from './storage/secret-envelope.js';
import { SyncModule } from './serve/sync.module.js';
import { Dispatcher } from './webhooks/deliveries/dispatcher.js';
import { RetrySchedule } from './webhooks/deliveries/retry-schedule.js';

const config = readEnvironment(serviceVariables);
const logger = createLogger('sync', config.LOG_LEVEL);
await startTracing({ process: 'sync', endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT }, logger);
const certificates = new ServiceCertificates(
  { certificate: config.SERVICE_CERT_FILE, key: config.SERVICE_KEY_FILE, authority: config.SERVICE_CA_FILE },
  logger,
);
const principals = PrincipalVerifier.ofFile(config.PRINCIPAL_KEYS_FILE, logger);

await runGrpcService({
  module: SyncModule.register({
    databaseUrl: config.DATABASE_URL,
    entities,
    pageTokenKey: new PageTokenKey(config.PAGE_TOKEN_KEY, config.RETIRED_PAGE_TOKEN_KEYS),
    envelope: new SecretEnvelope(new MasterKeys(config.MASTER_KEY, config.RETIRED_MASTER_KEYS)),
    customers: clientOf('customers', config.CUSTOMERS_ADDRESS),
    auth: clientOf('auth', config.AUTH_ADDRESS),
    principals,
    rightsKeptMs: config.RIGHTS_KEPT_SECONDS * 1_000,
    filesDir: config.FILES_DIR,
    http: new OutgoingHttp(config.OUTGOING_ALLOWED_HOSTS),
    dnsServers: config.DNS_SERVERS,
    clamdAddress: config.CLAMD_ADDRESS,
    delivery: {
      schedule: new RetrySchedule(config.RETRY_SCHEDULE_SECONDS),
      failingMs: config.FAILING_SECONDS * 1_000,
      timeoutMs: config.ATTEMPT_TIMEOUT_MS,
    },
    retentionDays: config.WEBHOOK_RETENTION_DAYS,
    auditKeys: new AuditKeys('sync', config.AUDIT_SIGNING_KEY, config.AUDIT_RETIRED_KEYS),
    auditHeadSeconds: config.AUDIT_HEAD_SECONDS,
  }),
  services: [...services],
  contract: platformContract(),
  address: config.GRPC_ADDRESS,
  connectionAgeSeconds: config.CONNECTION_AGE_SECONDS,
  healthPort: config.HEALTH_PORT,
  logger,
  principals,
  tls: { certificates, allowedCallers: config.ALLOWED_CALLERS },
  runHandlers: (app) => (handle) => inTenantSession(app.get(MikroORM).em, handle),
  readinessChecks: (app) => ({
    needed: databaseChecks(app.get(MikroORM).em, migrations),
    watched: {
      changeFeed: () => app.get(FeedConsumer).checkHeard(),
      deliveries: () => app.get(Dispatcher).checkAge(),
      flows: () => app.get(FlowWorker).checkAge(),
    },
  }),
});

function clientOf(serviceName: string, address: string): ContractClient {
  return new ContractClient(address, serviceDefinitions, { certificates, serviceName });
}
