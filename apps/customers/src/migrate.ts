import { runMigrations } from '@rapport/persistence';
import { createLogger, readEnvironment } from '@rapport/platform';
import { migrationVariables } from './configuration.js';
import { entities, migrations } from './database.js';
import { reindexCustomers } from './reindex-customers.js';

const { MIGRATION_DATABASE_URL: databaseUrl } = readEnvironment(migrationVariables);
const logger = createLogger('customers', 'info');

const done = await runMigrations({ databaseUrl, entities, migrations });
logger.info({ migrations: done }, 'migrated');
const { reindexed, held } = await reindexCustomers({ databaseUrl, entities });
if (held > 0) logger.warn({ reindexed, held }, 'reindexed; run it again for the customers that writes held');
else logger.info({ reindexed }, 'reindexed');
