import { address, logLevel, port, secretKey } from '@rapport/platform';
import { z } from 'zod';

const databaseUrl = z.url({ protocol: /^postgres(ql)?$/ });

/** What the service reads from its environment. Each may be given as NAME_FILE. */
export const serviceVariables = {
  GRPC_ADDRESS: address.default('127.0.0.1:50052'),
  HEALTH_PORT: port.default(8082),
  /** As the app role. */
  DATABASE_URL: databaseUrl,
  PAGE_TOKEN_KEY: secretKey,
  /** What suppressed addresses are hashed with. Another one would lift every suppression. */
  SUPPRESSION_HMAC_KEY: secretKey,
  /** How long changes are kept at least; longer while a live consumer has not read them. */
  CHANGE_RETENTION_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
  LOG_LEVEL: logLevel,
};

/** What `migrate` reads. */
export const migrationVariables = {
  /** As the owner of the database. */
  MIGRATION_DATABASE_URL: databaseUrl,
};
