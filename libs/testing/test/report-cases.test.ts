import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { reportCases, type BenchReport, type CaseResult } from '../src/index.js';

test('prints each ratio beside that of the previous run, and keeps cases that were not measured', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rapport-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'bench/results.json');
  const table = vi.spyOn(console, 'table').mockReturnValue();
  vi.spyOn(console, 'log').mockReturnValue();
  onTestFinished(() => void vi.restoreAllMocks());

  await reportCases(file, [caseOf('one', 0.25), caseOf('other', 0.5)], {});
  await reportCases(file, [caseOf('one', 0.75)], {});

  expect(table.mock.lastCall?.[0]).toMatchObject([{ case: 'one' }, { side: 'bare', ratio: '0.75', last: '0.25' }]);
  const { cases } = JSON.parse(await readFile(file, 'utf8')) as BenchReport;
  expect(cases.map(({ name, baselines }) => [name, baselines[0]?.ratio])).toEqual([
    ['one', 0.75],
    ['other', 0.5],
  ]);
});

function caseOf(name: string, ratio: number): CaseResult {
  const figures = { perSecond: 1, p50Ms: undefined, p99Ms: undefined, cpuMicros: undefined };
  return {
    name,
    unit: 'request',
    ours: { name: 'ours', ...figures },
    baselines: [{ name: 'bare', ...figures, ratio, leastRatio: ratio, mostRatio: ratio }],
    goal: {},
    reached: undefined,
  };
}
