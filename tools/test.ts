// Runs checks and tests. The last line is `N passed, N failed`; the exit code agrees.
//   npm test            every check and every test
//   npm run test:quick  before a commit: checks and pure tests of the projects that changed since main
//   npm run soak [-- -p customers]  the long forms of the tests that have two sizes, one project after the other
import { spawn } from 'node:child_process';
import { chmodSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { recordingBuild } from './build-record.ts';
import { memoryFolder } from './memory-folder.ts';
import { readFailedTasks, readFailures, readResults, resultFiles, slowest } from './test-reports.ts';
import { tally, type FailedTask } from './tally.ts';

interface Check {
  command: string;
  args: string[];
  about: string;
}

const root = join(import.meta.dirname, '..');
const [mode = 'all', ...nxArgs] = process.argv.slice(2);
const nxCache = join(root, '.nx/cache');
/** nx's record of its last run. */
const runRecord = join(nxCache, 'run.json');
const rootChecks: Check[] = [
  { command: 'oxfmt', args: ['--check'], about: 'npm run format repairs it' },
  { command: process.execPath, args: ['tools/check-repository.ts'], about: 'secrets, packages, images, documents' },
  { command: 'buf', args: ['lint'], about: 'the contract' },
  {
    command: 'buf',
    args: ['format', '--diff', '--exit-code', 'proto', '--path', 'proto/rapport'],
    about: 'buf format -w repairs it',
  },
];
/**
 * Lint and types of all projects, which need their declarations: in one process, since to load the rules takes longer than to check most
 * projects, and in the time that tests leave. Its program in Go looks for garbage half as often as by default, at no more memory.
 */
const lint: Check = {
  command: 'nice',
  args: ['-n', '10', 'env', 'GOGC=200', 'oxlint', '--config', 'oxlint.config.ts', '.'],
  about: 'lint and types',
};
/** The nx steps in order: cheap ones that fail often come first. */
const steps: Record<string, string[][]> = {
  all: [
    ['run-many', '-t', 'build'],
    // Without what they depend on, which is built: Nx would replace it by its cached copies, which lint reads.
    ['run-many', '-t', 'test-alone', '--excludeTaskDependencies'],
    // Tests wait more than they compute: three projects beside each other keep two cores busy. Nx starts first what most others depend
    // on: here the three longest, then edge, which waits most, while those compute. So the last minutes are not those of one project.
    ['run-many', '-t', 'test', 'test-first', 'test-second', 'test-third', '--parallel=3', '--excludeTaskDependencies'],
  ],
  quick: [['affected', '-t', 'lint', 'test-pure']],
  soak: [['run-many', '-t', 'soak', '--parallel=1', ...nxArgs]],
};
const wanted = steps[mode];
if (!wanted) throw new Error(`There is no mode ${mode}: ${Object.keys(steps).join(', ')}.`);

// Removes the results of an earlier run, which must not count for a project whose tests crash now; nx restores cached
// results.
for (const file of globSync(resultFiles, { cwd: root })) rmSync(join(root, dirname(file)), { recursive: true });
mkdirSync(nxCache, { recursive: true });

/** Temporary files; on disk in the long forms, which may write more than fits into memory. */
const temporary = mode === 'soak' ? undefined : temporaryFolder();
if (temporary !== undefined) process.env['TMPDIR'] = temporary;
const checking = (mode === 'soak' ? [] : rootChecks).map(runCheck);
const failedTasks: FailedTask[] = [];
let otherFailures = 0;
let removeTemplate: (() => Promise<void>) | undefined;
for (const args of wanted) {
  rmSync(runRecord, { force: true });
  const run = () => succeeds('nx', [...args, '--outputStyle=stream']);
  const isGreen = args.includes('build') ? await recordingBuild(root, run) : await run();
  const failed = readFailedTasks(runRecord);
  failedTasks.push(...failed);
  if (!isGreen && failed.length === 0) otherFailures++;
  if (!args.includes('build')) continue;
  if (!isGreen) break;
  checking.push(runCheck(lint));
  removeTemplate = await makeTemplate();
}
await removeTemplate?.();
const failedChecks = (await Promise.all(checking)).filter(({ isGood }) => !isGood);
otherFailures += failedChecks.length;

if (temporary !== undefined) rmSync(temporary, { recursive: true });

for (const line of slowest()) console.log(line);
for (const { project, target } of failedTasks) {
  console.log(`Failed: ${project}:${target} (npx nx run ${project}:${target} shows why)`);
}
for (const failure of readFailures()) console.log(failure);
for (const { check } of failedChecks) {
  console.log(`Failed: ${basename(check.command)} ${check.args.join(' ')} (${check.about})`);
}
const { passed, failed, skipped } = tally(readResults(), failedTasks, otherFailures);
if (skipped > 0) console.log(`${skipped} skipped`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

async function runCheck(check: Check): Promise<{ check: Check; isGood: boolean }> {
  return { check, isGood: await succeeds(check.command, check.args) };
}

function succeeds(command: string, args: string[]): Promise<boolean> {
  const env = { ...process.env, NX_TUI: 'false', NX_CACHE_DIRECTORY: nxCache };
  const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve, reject) => child.once('exit', (code) => resolve(code === 0)).once('error', reject));
}

/** Migrated databases for all projects, each of which would else make its own. */
async function makeTemplate(): Promise<(() => Promise<void>) | undefined> {
  try {
    // Only now it is built.
    const { makePlatformTemplate } = await import('@rapport/testing');
    return await makePlatformTemplate();
  } catch (error) {
    console.error('The databases of the tests could not be migrated:', error);
    otherFailures++;
    return undefined;
  }
}

/** A folder in memory that any user of the machine may use, such as PostgreSQL's; undefined where there is none. */
function temporaryFolder(): string | undefined {
  const parent = memoryFolder();
  if (parent === undefined) return undefined;
  const folder = mkdtempSync(join(parent, 'rapport-'));
  chmodSync(folder, 0o1777);
  return folder;
}
