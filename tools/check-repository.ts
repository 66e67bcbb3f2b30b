// Looks for secrets in the files of the repository, for packages that could come from anywhere or have licences that bind their users, for
// images that could be anything, for links of documents that lead nowhere, and for retired words: `npm test` runs it.
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { documentFaults } from './document-faults.ts';
import { findSecrets, secretFaults, type AllowedSecret } from './find-secrets.ts';
import { composeFaults, dockerfileFaults, unpinnedImages } from './image-faults.ts';
import { licenceFaults } from './licence-faults.ts';
import { lockfileFaults, type LockedPackage } from './lockfile-faults.ts';
import { hasProse, proseFaults, type ProseException } from './prose-faults.ts';

const root = join(import.meta.dirname, '..');

const allowedSecrets: readonly AllowedSecret[] = [];

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

const proseExceptions: readonly ProseException[] = frozen.map((file) => ({
  file,
  reason: 'the SQL of a released migration is frozen',
}));

const [dockerfile, compose] = [read('apps/Dockerfile'), read('compose.yaml')];
const faults = [
  ...secretFaults((await Promise.all(files().map((file) => findSecrets(file, read(file))))).flat(), allowedSecrets),
  ...lockfileFaults(lockedPackages(), workspaces()),
  ...licenceFaults(lockedPackages()),
  ...dockerfileFaults(dockerfile).map((fault) => `apps/Dockerfile: ${fault}`),
  ...composeFaults(compose).map((fault) => `compose.yaml: ${fault}`),
  ...documentFaults(documents(), (path) => existsSync(join(root, path))),
  ...proseFaults(textsOf(hasProse), proseExceptions),
];
for (const fault of faults) console.error(fault);
for (const image of unpinnedImages(dockerfile, compose))
  console.log(`${image} is fixed by its version only: its digest could not be looked up when it was chosen.`);
process.exitCode = faults.length > 0 ? 1 : 0;

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** Those that git has or would take. */
function files(): string[] {
  const options = ['-z', '--cached', '--others', '--exclude-standard'];
  const output = execFileSync('git', ['ls-files', ...options], { cwd: root, encoding: 'utf8' });
  return output.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
}

/** The guide of the edge links to addresses of the edge, which a test of its own checks. */
function documents(): Map<string, string> {
  return textsOf((file) => file.endsWith('.md') && !file.startsWith('apps/edge/src/docs/guide/'));
}

function textsOf(isWanted: (file: string) => boolean): Map<string, string> {
  return new Map(
    files()
      .filter(isWanted)
      .map((file) => [file, read(file)]),
  );
}

function lockedPackages(): Record<string, LockedPackage> {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  return lock.packages;
}

function workspaces(): string[] {
  return globSync('{apps,libs}/*/package.json', { cwd: root }).map((path) => dirname(path));
}
