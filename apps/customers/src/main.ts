import { MikroORM } from '@mikro-orm/postgresql';
import { runGrpcService } from '@rapport/contracts';
import { databaseChecks } from '@rapport/persistence';
import { createLogger, readEnvironment } from '@rapport/platform';
import { serviceVariables } from './configuration.js';
import { contract } from './contract.js';
import { CustomersModule } from './customers.module.js';
import { migrations } from './database.js';
import { PageTokenKey } from './list-customers.js';
import { interceptors, services } from './services.js';
import { SuppressionKey } from './suppressions/suppression-key.js';

const config = readEnvironment(serviceVariables);

await runGrpcService({
  module: CustomersModule.register({
    databaseUrl: config.DATABASE_URL,
    pageTokenKey: new PageTokenKey(config.PAGE_TOKEN_KEY),
    suppressionKey: new SuppressionKey(config.SUPPRESSION_HMAC_KEY),
    retentionDays: config.CHANGE_RETENTION_DAYS,
  }),
  services: [...services],
  contract,
  address: config.GRPC_ADDRESS,
  healthPort: config.HEALTH_PORT,
  logger: createLogger('customers', config.LOG_LEVEL),
  interceptors,
  readinessChecks: (app) => databaseChecks(app.get(MikroORM).em, migrations),
});
