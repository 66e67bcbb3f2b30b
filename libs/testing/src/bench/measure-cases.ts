import type { BaselineResult, BenchCase, CaseResult, Sample, SideResult } from './bench-case.js';

/**
 * Measures cases in rounds: in each, all sides of a case one right after the other, so that other load of the machine
 * affects all of them. An extra round before the first warms up.
 *
 * @param rounds 5 or more for figures that are published
 */
export async function measureCases(
  cases: BenchCase[],
  rounds: number,
  onProgress: (line: string) => void,
): Promise<CaseResult[]> {
  const samples = cases.map(({ baselines }) => [[] as Sample[], ...baselines.map(() => [] as Sample[])]);
  for (let round = 0; round <= rounds; round += 1) {
    for (const [caseIndex, { ours, baselines }] of cases.entries()) {
      for (const [sideIndex, side] of [ours, ...baselines].entries()) {
        const sample = await side.run();
        if (round > 0) samples[caseIndex]?.[sideIndex]?.push(sample);
      }
    }
    onProgress(round === 0 ? 'warm' : `round ${round} of ${rounds}`);
  }
  return cases.map((benchCase, index) => resultOf(benchCase, samples[index] ?? []));
}

/** The middle value; the mean of the two in the middle of an even number. NaN without values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

function resultOf({ name, unit, ours, baselines, goal = {} }: BenchCase, samples: Sample[][]): CaseResult {
  const [ourSamples = [], ...others] = samples;
  const ourResult = sideResult(ours.name, ourSamples);
  const results = baselines.map((baseline, index): BaselineResult => {
    const theirs = others[index] ?? [];
    const ratios = ourSamples.map(({ perSecond }, round) => perSecond / (theirs[round]?.perSecond ?? NaN));
    return {
      ...sideResult(baseline.name, theirs),
      ratio: median(ratios),
      leastRatio: Math.min(...ratios),
      mostRatio: Math.max(...ratios),
    };
  });
  const checks = [
    ...Object.entries(goal.leastRatio ?? {}).map(
      ([baseline, least]) => (results.find((result) => result.name === baseline)?.ratio ?? NaN) >= least,
    ),
    ...(goal.p99Ms === undefined ? [] : [(ourResult.p99Ms ?? NaN) < goal.p99Ms]),
  ];
  const reached = checks.length === 0 ? undefined : checks.every(Boolean);
  return { name, unit, ours: ourResult, baselines: results, goal, reached };
}

function sideResult(name: string, samples: Sample[]): SideResult {
  const of = (key: 'p50Ms' | 'p99Ms' | 'cpuMicros') => {
    const values = samples.map((sample) => sample[key]).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : median(values);
  };
  const perSecond = median(samples.map((sample) => sample.perSecond));
  return { name, perSecond, p50Ms: of('p50Ms'), p99Ms: of('p99Ms'), cpuMicros: of('cpuMicros') };
}
