/** What one run of one side came to. */
export interface Sample {
  perSecond: number;
  /** Absent where there is no latency to tell, as of a file. */
  p50Ms?: number;
  p99Ms?: number;
  /** Processor time of the measured process for each unit, in microseconds. */
  cpuMicros?: number;
}

/** Something that is measured: ours, or what it is compared with. */
export interface Side {
  /** Such as "bare node:http". */
  name: string;
  run: () => Promise<Sample>;
}

/** What a case must come to, each where it is named. */
export interface Goal {
  /** Least ratio to a baseline, by the baseline's name. */
  leastRatio?: Record<string, number>;
  /** The p99 must be below. */
  p99Ms?: number;
}

/** One operation, done by ours and by what it is compared with. */
export interface BenchCase {
  /** Stable: results are compared with the last run's by it. */
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
  /** Ours by this baseline, of the same round: median, least and most. */
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
  /** True when every part of the goal is met, undefined without a goal. */
  reached: boolean | undefined;
}
