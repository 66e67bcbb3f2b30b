import { runMigrations } from '@rapport/persistence';
import { createLogger, readEnvironment } from '@rapport/platform';
import { migrationVariables } from './configuration.js';
import { entities, migrations } from './storage/database.js';

const { MIGRATION_DATABASE_URL: databaseUrl } = readEnvironment(migrationVariables);

const onUnreachable = (error: unknown) => createLogger('auth', 'info').warn({ err: error }, 'waiting for the database');
const done = await runMigrations({ databaseUrl, entities, migrations, onUnreachable });
process.stdout.write(`${JSON.stringify({ migrations: done })}\n`);
