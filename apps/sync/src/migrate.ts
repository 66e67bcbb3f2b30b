import { runMigrations } from '@rapport/persistence';
import { readEnvironment } from '@rapport/platform';
import { migrationVariables } from './serve/configuration.js';
import { entities, migrations } from './database.js';

const { MIGRATION_DATABASE_URL: databaseUrl } = readEnvironment(migrationVariables);

const done = await runMigrations({ databaseUrl, entities, migrations });
process.stdout.write(`${JSON.stringify({ migrations: done })}\n`);
