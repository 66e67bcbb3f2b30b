/** How long and how fast to ask. */
export interface Pace {
  /** Requests under way at most: connections of HTTP, callers of SQL. */
  atOnce: number;
  durationMs: number;
  /**
   * Open loop: requests are due at this rate, whatever the answers do, and a latency begins when its request was due. So
   * the wait behind a slow answer counts, which a closed loop leaves out ("coordinated omission": Gil Tene, "How NOT to
   * measure latency"; wrk2). Absent, each of the `atOnce` sends its next request once it has its answer.
   */
  perSecond?: number;
  /**
   * Open loop without the up to 1 ms that a timer is late: the load process spins, which takes one processor whole.
   */
  precise?: boolean;
  /** Gives every latency back, to be put together with those of other runs. */
  everyLatency?: boolean;
}

/** `{uuid}` in any text of a request or value is another UUIDv7 in each request, the same in the whole request. */
export interface HttpRequest {
  /** GET when absent. */
  method?: string;
  /** With its query. */
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface HttpPlan extends Pace {
  kind: 'http';
  /** Such as `http://127.0.0.1:8080`. Only this machine. */
  url: string;
  /** Sent in turn. */
  requests: HttpRequest[];
}

export interface SqlPlan extends Pace {
  kind: 'sql';
  /** Connection URL. Holds a password. */
  url: string;
  /** `app.tenant_id`, set once for each connection. */
  tenantId: string;
  /** Connections of the pool; `atOnce` when absent. */
  connections?: number;
  /** Sent as a named statement, which each connection prepares once. */
  text: string;
  /** Sent in turn. */
  values: (string | null)[][];
}

export type LoadPlan = HttpPlan | SqlPlan;

export interface LoadResult {
  requests: number;
  /** From the first request that was sent to the last answer. */
  seconds: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** Answers by HTTP status; 0 is a broken connection or a failed statement, 200 a statement that was carried out. */
  statuses: Record<string, number>;
  /** Sorted, in milliseconds; empty unless they were asked for. */
  latenciesMs: Float64Array;
}

/** The least of `sorted` that at least this share of them is not above; NaN of none. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** Now, by the clock that all processes of this machine share. */
export function steadyMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
