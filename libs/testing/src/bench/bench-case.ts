/** The result of one run of one side. */
export interface Sample {
  perSecond: number;
  /** Absent where there is no latency, as of a file. */
  p50Ms?: number;
  p99Ms?: number;
  /** Processor time of the measured process for each unit, in microseconds. */
  cpuMicros?: number;
}

/** One measured side: ours, or a baseline. */
export interface Side {
  /** Such as "bare node:http". */
  name: string;
  run: () => Promise<Sample>;
}

/** The goals of a case; absent goals are not checked. */
export interface Goal {
  /** Least ratio to a baseline, by the baseline's name. */
  leastRatio?: Record<string, number>;
  /** The p99 must be below. */
  p99Ms?: number;
}

/** One operation, measured for ours and its baselines. */
export interface BenchCase {
  /** Stable key: results are compared with the last run's by name. */
  name: string;
  unit: 'request' | 'row' | 'event';
  ours: Side;
  baselines: Side[];
  goal?: Goal;
}

/** Medians over rounds. */
export interface SideResult {
  name: string;
  perSecond: number;
  p50Ms: number | undefined;
  p99Ms: number | undefined;
  cpuMicros: number | undefined;
}

export interface BaselineResult extends SideResult {
  /** Ratio of ours to this baseline within a round: median, minimum and maximum. */
  ratio: number;
  leastRatio: number;
  mostRatio: number;
}

export interface CaseResult {
  name: string;
  unit: string;
  ours: SideResult;
  baselines: BaselineResult[];
  goal: Goal;
  /** True when all goals are met, undefined without goals. */
  reached: boolean | undefined;
}
