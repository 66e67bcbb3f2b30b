import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { FailedTask, ProjectResults } from './tally.ts';

/** The used part of vitest's JSON report. */
interface VitestReport extends Record<
  'numPassedTests' | 'numFailedTests' | 'numPendingTests' | 'numTodoTests',
  number
> {
  testResults: {
    name: string;
    status: string;
    message: string;
    startTime: number;
    endTime: number;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

const root = join(import.meta.dirname, '..');
const listed = 10;

/** The result files of each project's tests, as set in vitest.base.ts: a file for each test group. */
export const resultFiles = '{*,{apps,libs}/*}/test-results/*.json';

/** The failed tasks in nx's record of its last run, which is missing when nx itself fails. */
export function readFailedTasks(runRecord: string): FailedTask[] {
  if (!existsSync(runRecord)) return [];
  const { tasks } = JSON.parse(readFileSync(runRecord, 'utf8')) as {
    tasks: { projectName: string; target: string; status?: number }[];
  };
  return tasks
    .filter(({ status }) => status !== undefined && status !== 0)
    .map(({ projectName, target }) => ({ project: projectName, target }));
}

export function readResults(): ProjectResults[] {
  return globSync(resultFiles, { cwd: root }).map((file) => {
    const { name } = readJson<{ name: string }>(join(dirname(file), '../project.json'));
    const counts = readJson<VitestReport>(file);
    return {
      project: name,
      passed: counts.numPassedTests,
      // A file that can't be loaded, or whose hooks fail, may have no failed test.
      failed: counts.numFailedTests + counts.testResults.filter(hasFailedItself).length,
      skipped: counts.numPendingTests + counts.numTodoTests,
    };
  });
}

/** The summary of each failed test: its place and its error. */
export function readFailures(): string[] {
  return readFiles().flatMap(({ name, status, message, assertionResults }) => {
    const place = relative(root, name);
    const failures = assertionResults.filter((result) => result.status === 'failed');
    if (hasFailedItself({ status, assertionResults })) return [`Failed: ${place}\n  ${message}`];
    return failures.map(({ fullName, failureMessages }) => `Failed: ${place}: ${fullName}\n  ${failureMessages[0]}`);
  });
}

function hasFailedItself({
  status,
  assertionResults,
}: Pick<VitestReport['testResults'][number], 'status' | 'assertionResults'>): boolean {
  return status === 'failed' && assertionResults.every((result) => result.status !== 'failed');
}

/** The slowest test files and process starts, a line each. */
export function slowest(): string[] {
  const files = readFiles().map(({ name, startTime, endTime }) => ({
    name: relative(root, name),
    ms: endTime - startTime,
  }));
  const starts = globSync(join(dirname(resultFiles), 'starts.ndjson'), { cwd: root }).flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string; ms: number })
      .map(({ name, ms }) => ({ name: `${dirname(dirname(file))}: ${name}`, ms })),
  );
  return [...table('Slowest test files', files), ...table(`Slowest of ${starts.length} starts`, starts)];
}

function table(title: string, rows: { name: string; ms: number }[]): string[] {
  const top = rows.toSorted((one, other) => other.ms - one.ms).slice(0, listed);
  return [`${title}, in seconds:`, ...top.map(({ name, ms }) => `${(ms / 1_000).toFixed(1).padStart(7)}  ${name}`)];
}

function readFiles(): VitestReport['testResults'] {
  return globSync(resultFiles, { cwd: root }).flatMap((file) => readJson<VitestReport>(file).testResults);
}

function readJson<Shape>(path: string): Shape {
  return JSON.parse(readFileSync(join(root, path), 'utf8')) as Shape;
}
