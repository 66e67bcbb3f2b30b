import { MikroORM } from '@mikro-orm/postgresql';
import { PrincipalSigner, PrincipalVerifier, runGrpcService, ServiceCertificates } from '@rapport/contracts';
import { AuthServiceService } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { databaseChecks, TenantSessionInterceptor } from '@rapport/persistence';
import { createLogger, readEnvironment } from '@rapport/platform';
import { AuthModule } from './auth.module.js';
import { serviceVariables } from './configuration.js';
import { migrations } from './database.js';
import { Secrets } from './secrets.js';

const config = readEnvironment(serviceVariables);
const logger = createLogger('auth', config.LOG_LEVEL);

await runGrpcService({
  module: AuthModule.register({
    databaseUrl: config.DATABASE_URL,
    secrets: new Secrets(config.API_KEY_HMAC_KEY, config.PAGE_TOKEN_KEY),
    principals: await PrincipalSigner.of(config.PRINCIPAL_SIGNING_KEY),
  }),
  services: [AuthServiceService],
  address: config.GRPC_ADDRESS,
  healthPort: config.HEALTH_PORT,
  logger,
  principals: PrincipalVerifier.ofFile(config.PRINCIPAL_KEYS_FILE, logger),
  tls: {
    certificates: new ServiceCertificates(
      { certificate: config.SERVICE_CERT_FILE, key: config.SERVICE_KEY_FILE, authority: config.SERVICE_CA_FILE },
      logger,
    ),
    allowedCallers: config.ALLOWED_CALLERS,
  },
  interceptors: (app) => [new TenantSessionInterceptor(app.get(MikroORM))],
  readinessChecks: (app) => databaseChecks(app.get(MikroORM).em, migrations),
});
