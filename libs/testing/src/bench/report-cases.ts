import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { dirname } from 'node:path';
import type { CaseResult, SideResult } from './bench-case.js';

export interface BenchReport {
  /** ISO 8601. */
  time: string;
  machine: Record<string, unknown>;
  /** Settings of this run, such as its number of rounds. */
  settings: Record<string, unknown>;
  cases: CaseResult[];
}

/**
 * Prints a table of the results, with the change of each ratio since the previous run, and stores them in `file` as JSON
 * for the next one. Cases of the previous run that were not measured now stay in the file.
 */
export async function reportCases(
  file: string,
  cases: CaseResult[],
  settings: Record<string, unknown>,
): Promise<BenchReport> {
  const last = await readLast(file);
  console.table(cases.flatMap((result) => linesOf(result, last)));
  const report = { time: new Date().toISOString(), machine: machineFacts(), settings, cases };
  console.log(JSON.stringify({ ...report.machine, ...settings }));
  const missed = cases.filter(({ reached }) => reached === false).map(({ name }) => name);
  if (missed.length > 0) console.log(`Goals not reached: ${missed.join('; ')}`);
  const kept = last?.cases.filter(({ name }) => !cases.some((result) => result.name === name)) ?? [];
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ ...report, cases: [...cases, ...kept] }, null, 2)}\n`);
  console.log(`Written to ${file}${last ? `, compared with the run of ${last.time}` : ''}`);
  return report;
}

function machineFacts(): Record<string, unknown> {
  return {
    node: process.version,
    cpu: cpus()[0]?.model,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadAverage: loadavg().map((load) => Number(load.toFixed(2))),
  };
}

function linesOf(result: CaseResult, last: BenchReport | undefined): Record<string, unknown>[] {
  const before = last?.cases.find(({ name }) => name === result.name);
  return [
    { case: result.name, side: result.ours.name, ...figures(result.ours), goal: goalText(result) },
    ...result.baselines.map((baseline) => {
      const lastRatio = before?.baselines.find(({ name }) => name === baseline.name)?.ratio;
      return {
        case: '',
        side: baseline.name,
        ...figures(baseline),
        ratio: baseline.ratio.toFixed(2),
        spread: `${baseline.leastRatio.toFixed(2)}–${baseline.mostRatio.toFixed(2)}`,
        last: typeof lastRatio === 'number' ? lastRatio.toFixed(2) : '',
      };
    }),
  ];
}

function figures({ perSecond, p50Ms, p99Ms, cpuMicros }: SideResult): Record<string, unknown> {
  return {
    perSecond: Math.round(perSecond),
    p50Ms: p50Ms?.toFixed(2) ?? '',
    p99Ms: p99Ms?.toFixed(2) ?? '',
    cpuMicros: cpuMicros?.toFixed(0) ?? '',
  };
}

function goalText({ goal, reached }: CaseResult): string {
  const parts = [
    ...Object.entries(goal.leastRatio ?? {}).map(([baseline, least]) => `≥ ${least} of ${baseline}`),
    ...(goal.p99Ms === undefined ? [] : [`p99 < ${goal.p99Ms} ms`]),
  ];
  return parts.length === 0 ? '' : `${parts.join(', ')}: ${reached ? 'reached' : 'missed'}`;
}

async function readLast(file: string): Promise<BenchReport | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const report = JSON.parse(text) as Partial<BenchReport>;
  // Files of an earlier format can't be compared.
  return Array.isArray(report.cases) ? (report as BenchReport) : undefined;
}
