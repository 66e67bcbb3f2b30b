import { runMigrations } from '@rapport/persistence';
import { createLogger, readEnvironment } from '@rapport/platform';
import { migrationVariables } from './configuration.js';
import { entities } from './database.js';
import { migrations } from './migrations.js';
import { keysEntities, keysMigrations } from './engine/sealing/keys-database.js';
import './record-types.js';
import { reindexRecords } from './engine/write/reindex-records.js';

const { MIGRATION_DATABASE_URL: databaseUrl, KEYS_MIGRATION_DATABASE_URL: keysUrl } =
  readEnvironment(migrationVariables);
const logger = createLogger('customers', 'info');

const onUnreachable = (error: unknown) => logger.warn({ err: error }, 'waiting for the database');
const done = await runMigrations({ databaseUrl, entities, migrations, onUnreachable });
logger.info({ migrations: done }, 'migrated');
if (keysUrl !== undefined) {
  const keysDone = await runMigrations({
    databaseUrl: keysUrl,
    entities: keysEntities,
    migrations: keysMigrations,
    onUnreachable,
  });
  logger.info({ migrations: keysDone }, 'migrated the database of keys');
}
const { reindexed, held } = await reindexRecords({ databaseUrl, entities });
if (held > 0) logger.warn({ reindexed, held }, 'reindexed; run it again for records that writes held');
else logger.info({ reindexed }, 'reindexed');
