import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
/** What nx remembers of the work tree, apart from that of an nx that runs these tests. */
const memory = mkdtempSync(join(tmpdir(), 'rapport-affected-'));

afterAll(() => rmSync(memory, { recursive: true }));

/** The load tests, the tools and the tests of the client and of sync run the whole platform. */
const wholePlatform = ['client', 'load-tests', 'sync', 'tools'];

const affectedBy: [file: string, projects: string[]][] = [
  [
    'proto/rapport/customers/v1/customer.proto',
    ['proto', 'contracts', 'console', 'edge', 'auth', 'customers', ...wholePlatform],
  ],
  ['libs/contracts/src/rest/rest-route.ts', ['contracts', 'console', 'edge', 'auth', 'customers', ...wholePlatform]],
  // The edge serves its files.
  ['apps/console/src/main.tsx', ['console', 'edge', ...wholePlatform]],
  // Conditions compare amounts.
  ['libs/money/src/lines.ts', ['money', 'contracts', 'console', 'edge', 'auth', 'customers', ...wholePlatform]],
  ['libs/persistence/src/etag.ts', ['persistence', 'auth', 'customers', ...wholePlatform]],
  ['libs/time/src/zone-clock.ts', ['time', 'customers', ...wholePlatform]],
  ['apps/edge/src/http/problem.ts', ['edge', ...wholePlatform]],
  ['apps/auth/src/access/rights.ts', ['auth', ...wholePlatform]],
  ['apps/customers/src/engine/query/list-customers.ts', ['customers', ...wholePlatform]],
  ['apps/sync/src/serve/services.ts', wholePlatform],
  // The manifests set what a process reads, and nothing else of it.
  ['apps/edge/src/config.ts', ['edge', 'k8s', ...wholePlatform]],
  ['apps/customers/src/configuration.ts', ['customers', 'k8s', ...wholePlatform]],
  ['libs/persistence/src/create-orm.ts', ['persistence', 'auth', 'customers', 'k8s', ...wholePlatform]],
  ['k8s/base/customers.yaml', ['k8s']],
  // They are compared with a running platform.
  ['k8s/components/monitoring/alerts.yaml', ['k8s', 'tools']],
  // They are run against a shared platform.
  ['load-tests/scenarios/feed.ts', ['load-tests', 'tools']],
  ['docs/slo.md', ['client', 'console', 'edge', 'load-tests', 'sync', 'tools']],
  ['tools/start.ts', ['tools']],
  ['compose.yaml', ['tools']],
  ['apps/Dockerfile', ['tools']],
  ['.github/workflows/ci.yaml', ['tools']],
  ['docs/quickstart.md', ['tools']],
  ['docs/architecture.md', ['tools']],
  ['docs/adr/README.md', ['tools']],
  ['SECURITY.md', ['tools']],
  ['README.md', ['tools']],
];

/** What nx says of each of them, in their order. */
let found: string[][];

beforeAll(async () => {
  const script = join(import.meta.dirname, 'affected-projects.ts');
  found = await answersOf(process.execPath, [script, ...affectedBy.map(([file]) => file)]);
});

test.each(affectedBy)('a change of %s affects %j', (file, projects) => {
  expect(found[affectedBy.findIndex(([each]) => each === file)]).toEqual(projects.toSorted());
});

test("nx's command finds the same", async () => {
  const [file] = affectedBy[0]!;
  const command = join(root, 'node_modules/.bin/nx');

  expect(await answersOf(command, ['show', 'projects', '--affected', `--files=${file}`, '--json'])).toEqual([found[0]]);
});

/** Lists of projects that a command prints, one a line, about this work tree. */
async function answersOf(command: string, args: string[]): Promise<string[][]> {
  const { stdout } = await promisify(execFile)(command, args, {
    cwd: root,
    env: {
      ...environment(),
      NX_DAEMON: 'false',
      // Processes of their own for its plugins take longer to start than all of the work.
      NX_ISOLATE_PLUGINS: 'false',
      NX_CACHE_DIRECTORY: join(memory, 'cache'),
      NX_WORKSPACE_DATA_DIRECTORY: join(memory, 'workspace-data'),
    },
  });
  return stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as string[]).toSorted());
}

/** Ours without what nx sets for the tasks that it runs. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NX_')));
}
