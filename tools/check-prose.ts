// Refuses the words of the style guide's "Never" list and retired names in proto, TypeScript and Markdown: `npm test` runs it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasProse, proseFaults, type ProseException } from './prose-faults.ts';

const root = join(import.meta.dirname, '..');

/** Migrations whose released SQL breaks the rules, mostly in its comments. */
const frozen = [
  'apps/auth/src/storage/migrations/create-oauth.migration.ts',
  'apps/customers/src/migrations/add-custom-fields-and-terms.migration.ts',
  'apps/customers/src/migrations/add-record-scope.migration.ts',
  'apps/customers/src/migrations/audit-changes.migration.ts',
  'apps/customers/src/migrations/change-log-functions.ts',
  'apps/customers/src/migrations/change-log-tables.ts',
  'apps/customers/src/migrations/change-log-triggers.ts',
  'apps/customers/src/migrations/seal-personal-data.migration.ts',
  'apps/sync/src/migrations/create-connections.migration.ts',
  'apps/sync/src/migrations/create-webhooks.migration.ts',
  'libs/persistence/src/migrations/create-audit-chain.migration.ts',
];

const exceptions: readonly ProseException[] = frozen.map((file) => ({
  file,
  reason: 'the SQL of a released migration is frozen',
}));

const options = ['-z', '--cached', '--others', '--exclude-standard'];
const files = execFileSync('git', ['ls-files', ...options], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((file) => hasProse(file) && existsSync(join(root, file)));
const faults = proseFaults(new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')])), exceptions);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
