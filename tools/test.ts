// Runs every check and test: `npm test`. Its last line is `N passed, N failed`; the exit code tells the same.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { tally, type FailedTask, type ProjectResults } from './tally.ts';

/** The part of vitest's JSON report that is read here. */
interface VitestReport extends Record<
  'numPassedTests' | 'numFailedTests' | 'numPendingTests' | 'numTodoTests',
  number
> {
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

const root = join(import.meta.dirname, '..');
const resultFiles = '{*,{apps,libs}/*}/test-results/vitest.json';
// nx's own record of its last run, which it leaves out when the folder is not there yet.
const cacheFolder = join(root, '.nx/cache');
const runRecord = join(cacheFolder, 'run.json');

// What an earlier run left must not count for a project whose tests crash now; nx restores the results it has cached.
for (const file of globSync(resultFiles, { cwd: root })) rmSync(join(root, dirname(file)), { recursive: true });
rmSync(runRecord, { force: true });
mkdirSync(cacheFolder, { recursive: true });

const rootChecks = [
  { command: 'prettier', args: ['--check', '.'], about: 'npm run format repairs it' },
  { command: process.execPath, args: ['tools/check-repository.ts'], about: 'secrets, package-lock.json, images' },
];
const failedChecks = rootChecks.filter(({ command, args }) => !succeeds(command, args));
const isGreen = succeeds('nx', ['run-many', '-t', 'lint', 'typecheck', 'test', 'build', '--outputStyle=stream']);
const failedTasks = readFailedTasks();
const isUnrecordedFailure = !isGreen && failedTasks.length === 0;

const otherFailures = failedChecks.length + (isUnrecordedFailure ? 1 : 0);
const { passed, failed, skipped } = tally(readResults(), failedTasks, otherFailures);
for (const { project, target } of failedTasks) console.log(`Failed: ${project}:${target}`);
for (const failure of readFailures()) console.log(failure);
for (const { command, args, about } of failedChecks)
  console.log(`Failed: ${basename(command)} ${args.join(' ')} (${about})`);
if (skipped > 0) console.log(`${skipped} skipped`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function succeeds(command: string, args: string[]): boolean {
  const env = { ...process.env, NX_TUI: 'false', NX_CACHE_DIRECTORY: cacheFolder };
  return spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

function readFailedTasks(): FailedTask[] {
  if (!existsSync(runRecord)) return [];
  const { tasks } = JSON.parse(readFileSync(runRecord, 'utf8')) as {
    tasks: { projectName: string; target: string; status?: number }[];
  };
  return tasks
    .filter(({ status }) => status !== undefined && status !== 0)
    .map(({ projectName, target }) => ({ project: projectName, target }));
}

function readResults(): ProjectResults[] {
  return globSync(resultFiles, { cwd: root }).map((file) => {
    const { name } = readJson<{ name: string }>(join(dirname(file), '../project.json'));
    const counts = readJson<VitestReport>(file);
    return {
      project: name,
      passed: counts.numPassedTests,
      failed: counts.numFailedTests,
      skipped: counts.numPendingTests + counts.numTodoTests,
    };
  });
}

/** What a reader of the last lines must know of each failed test: where it is, and what went wrong. */
function readFailures(): string[] {
  return globSync(resultFiles, { cwd: root })
    .flatMap((file) => readJson<VitestReport>(file).testResults)
    .flatMap(({ name, status, message, assertionResults }) => {
      const place = relative(root, name);
      const failures = assertionResults.filter((result) => result.status === 'failed');
      if (status === 'failed' && failures.length === 0) return [`Failed: ${place}\n  ${message}`];
      return failures.map(({ fullName, failureMessages }) => `Failed: ${place}: ${fullName}\n  ${failureMessages[0]}`);
    });
}

function readJson<Shape>(path: string): Shape {
  return JSON.parse(readFileSync(join(root, path), 'utf8')) as Shape;
}
