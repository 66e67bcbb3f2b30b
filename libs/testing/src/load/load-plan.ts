/** Duration and rate of a load. */
export interface Pace {
  /** Most requests in flight: connections of HTTP, callers of SQL. */
  atOnce: number;
  durationMs: number;
  /**
   * Open loop: requests are due at this rate, independent of the answers, and a latency begins when its request was due. So
   * it includes the wait behind a slow answer, which a closed loop omits ("coordinated omission": Gil Tene, "How NOT to
   * measure latency"; wrk2). When absent, a closed loop: each of the `atOnce` sends its next request once it has its
   * answer.
   */
  perSecond?: number;
  /**
   * Open loop without timer lag of up to 1 ms: the load process spins, which uses a whole processor.
   */
  precise?: boolean;
  /** Returns every latency, to be merged with those of other runs. */
  everyLatency?: boolean;
}

/** `{uuid}` in any text of a request or value is replaced by one UUIDv7 per request. */
export interface HttpRequest {
  /** GET when absent. */
  method?: string;
  /** Path with query. */
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface HttpPlan extends Pace {
  kind: 'http';
  /** Base URL on this machine, such as `http://127.0.0.1:8080`. */
  url: string;
  /** Sent in turn. */
  requests: HttpRequest[];
}

export interface SqlPlan extends Pace {
  kind: 'sql';
  /** Connection URL. Holds a password. */
  url: string;
  /** Value of `app.tenant_id`, set once for each connection. */
  tenantId: string;
  /** Connections of the pool; `atOnce` when absent. */
  connections?: number;
  /** A named statement, which each connection prepares once. */
  text: string;
  /** Sent in turn. */
  values: (string | null)[][];
}

export type LoadPlan = HttpPlan | SqlPlan;

export interface LoadResult {
  requests: number;
  /** From the first request to the last answer. */
  seconds: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** Answers by HTTP status; 0 is a broken connection or a failed statement, 200 a statement that succeeded. */
  statuses: Record<string, number>;
  /** Sorted, in milliseconds; empty unless `everyLatency` is set. */
  latenciesMs: Float64Array;
}

/** The smallest value of `sorted` that is at least as large as this share of them; NaN without values. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** Current time of the clock that all processes of this machine share. */
export function steadyMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
