import { runMigrations } from '@rapport/persistence';
import { createLogger, readEnvironment } from '@rapport/platform';
import { migrationVariables } from './serve/configuration.js';
import { entities, migrations } from './database.js';

const { MIGRATION_DATABASE_URL: databaseUrl } = readEnvironment(migrationVariables);

const onUnreachable = (error: unknown) => createLogger('sync', 'info').warn({ err: error }, 'waiting for the database');
const done = await runMigrations({ databaseUrl, entities, migrations, onUnreachable });
process.stdout.write(`${JSON.stringify({ migrations: done })}\n`);
