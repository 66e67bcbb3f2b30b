/** Vitest's report of one project, or of one test group. */
export interface ProjectResults {
  project: string;
  passed: number;
  failed: number;
  skipped: number;
}

/** One nx task that did not succeed. */
export interface FailedTask {
  project: string;
  target: string;
}

/** The targets that leave results of tests. */
const testTargets = new Set(['test', 'test-alone', 'test-pure', 'soak']);

/**
 * Adds up a run. A failed task counts as one failure, unless it is a test run whose failed tests say more.
 *
 * @param otherFailures checks outside nx that failed
 */
export function tally(
  results: ProjectResults[],
  failedTasks: FailedTask[],
  otherFailures: number,
): { passed: number; failed: number; skipped: number } {
  const hasFailedTest = new Set(results.filter(({ failed }) => failed > 0).map(({ project }) => project));
  const unexplained = failedTasks.filter(
    ({ project, target }) => !testTargets.has(target) || !hasFailedTest.has(project),
  );
  return {
    passed: sum(results.map(({ passed }) => passed)),
    failed: sum(results.map(({ failed }) => failed)) + unexplained.length + otherFailures,
    skipped: sum(results.map(({ skipped }) => skipped)),
  };
}

function sum(counts: number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
