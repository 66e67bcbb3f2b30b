import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
/** A throwaway repository with the files of the work tree. */
const clone = mkdtempSync(join(tmpdir(), 'rapport-affected-'));

beforeAll(() => {
  for (const file of workTreeFiles()) cpSync(join(root, file), join(clone, file));
  linkPackages();
  git('init', '--quiet');
  commit();
});

afterAll(() => rmSync(clone, { recursive: true }));

/** The load tests, the tools and the tests of sync run the whole platform. */
const wholePlatform = ['load-tests', 'sync', 'tools'];

test.each<[file: string, projects: string[]]>([
  ['proto/rapport/customers/v1/customer.proto', ['proto', 'contracts', 'edge', 'auth', 'customers', ...wholePlatform]],
  ['libs/contracts/src/rest/rest-route.ts', ['contracts', 'edge', 'auth', 'customers', ...wholePlatform]],
  ['libs/persistence/src/etag.ts', ['persistence', 'auth', 'customers', ...wholePlatform]],
  ['apps/edge/src/problem.ts', ['edge', ...wholePlatform]],
  ['apps/auth/src/permissions.ts', ['auth', ...wholePlatform]],
  ['apps/customers/src/list-customers.ts', ['customers', ...wholePlatform]],
  ['apps/sync/src/services.ts', wholePlatform],
  // The manifests set what a process reads, and nothing else of it.
  ['apps/edge/src/config.ts', ['edge', 'k8s', ...wholePlatform]],
  ['apps/customers/src/configuration.ts', ['customers', 'k8s', ...wholePlatform]],
  ['libs/persistence/src/create-orm.ts', ['persistence', 'auth', 'customers', 'k8s', ...wholePlatform]],
  ['k8s/base/customers.yaml', ['k8s']],
  // They are compared with a running platform.
  ['k8s/components/monitoring/alerts.yaml', ['k8s', 'tools']],
  ['load-tests/scenarios/feed.ts', ['load-tests']],
  ['docs/slo.md', ['load-tests']],
  ['tools/start.ts', ['tools']],
  ['compose.yaml', ['tools']],
  ['apps/Dockerfile', ['tools']],
  ['.github/workflows/ci.yaml', ['tools']],
  ['docs/architecture.md', []],
  ['README.md', []],
])('a change of %s affects %j', (file, projects) => {
  mkdirSync(dirname(join(clone, file)), { recursive: true });
  appendFileSync(join(clone, file), '\n');
  commit();

  expect(affectedProjects()).toEqual(projects.toSorted());
});

/** Those that git has or would take: without what is built, installed or only for this machine. */
function workTreeFiles(): string[] {
  const options = { cwd: root, env: environment(), encoding: 'utf8' } as const;
  const output = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], options);
  return output.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
}

/** All but our own, which would lead nx out of the clone. */
function linkPackages(): void {
  mkdirSync(join(clone, 'node_modules'));
  for (const entry of readdirSync(join(root, 'node_modules')).filter((name) => name !== '@rapport'))
    symlinkSync(join(root, 'node_modules', entry), join(clone, 'node_modules', entry));
}

function commit(): void {
  git('add', '--all');
  git('-c', 'user.name=Test', '-c', 'user.email=test@example.com', 'commit', '--quiet', '--message', 'Change');
}

function git(...args: string[]): void {
  execFileSync('git', args, { cwd: clone, env: environment() });
}

function affectedProjects(): string[] {
  const args = ['show', 'projects', '--affected', '--base=HEAD~1', '--json'];
  const output = execFileSync(join(root, 'node_modules/.bin/nx'), args, {
    cwd: clone,
    env: {
      ...environment(),
      NX_DAEMON: 'false',
      NX_CACHE_DIRECTORY: join(clone, '.nx/cache'),
      NX_WORKSPACE_DATA_DIRECTORY: join(clone, '.nx/workspace-data'),
    },
    encoding: 'utf8',
  });
  return (JSON.parse(output) as string[]).toSorted();
}

/** Ours without what would lead git or nx back to the repository that this test runs in. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(GIT|NX)_/.test(name));
  return { ...Object.fromEntries(own), GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
}
