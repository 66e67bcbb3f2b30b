// Looks for secrets in the files of the repository, for packages that could come from anywhere or have licences that bind their users, for
// images that could be anything, and for links of documents that lead nowhere: `npm test` runs it.
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { documentFaults } from './document-faults.ts';
import { findSecrets, secretFaults, type AllowedSecret } from './find-secrets.ts';
import { composeFaults, dockerfileFaults, unpinnedImages } from './image-faults.ts';
import { licenceFaults } from './licence-faults.ts';
import { lockfileFaults, type LockedPackage } from './lockfile-faults.ts';

const root = join(import.meta.dirname, '..');

const allowedSecrets: readonly AllowedSecret[] = [];

const [dockerfile, compose] = [read('apps/Dockerfile'), read('compose.yaml')];
const faults = [
  ...secretFaults((await Promise.all(files().map((file) => findSecrets(file, read(file))))).flat(), allowedSecrets),
  ...lockfileFaults(lockedPackages(), workspaces()),
  ...licenceFaults(lockedPackages()),
  ...dockerfileFaults(dockerfile).map((fault) => `apps/Dockerfile: ${fault}`),
  ...composeFaults(compose).map((fault) => `compose.yaml: ${fault}`),
  ...documentFaults(documents(), (path) => existsSync(join(root, path))),
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
  return new Map(
    files()
      .filter((file) => file.endsWith('.md') && !file.startsWith('apps/edge/src/docs/guide/'))
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
