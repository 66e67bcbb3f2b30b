import type { ErrorCode, Problem } from './gen/messages.js';

/** A wrong value of the request. */
export type ProblemField = NonNullable<Problem['errors']>[number];

/**
 * Codes of the client's own: no answer arrived, so that a write may have been done or not, or none arrived in time. An answer that is
 * no problem, such as that of a proxy, has `HTTP_ERROR`.
 */
export type ClientErrorCode = 'CONNECTION_FAILED' | 'TIMEOUT' | 'HTTP_ERROR';

/** Codes of problems for which the same call can succeed a moment later, although their status does not say so. */
const passing = ['CONCURRENT_WRITE', 'IDEMPOTENCY_KEY_IN_USE', 'UPLOAD_CANCELLED', 'UPLOAD_IN_PROGRESS'];

type Facts = Partial<Omit<Problem, 'code'>> & { code: RapportError['code']; retryAfterMs?: number | undefined };

/** A call that failed: a problem of RFC 9457, or no answer. */
export class RapportError extends Error {
  override readonly name = 'RapportError';
  /** Decide by it. `/docs/errors` lists all codes. */
  readonly code: ErrorCode | ClientErrorCode | (string & {});
  /** URN of the kind of problem. */
  readonly type: string;
  /** The HTTP status; 0 without an answer. */
  readonly status: number;
  /** The wrong values, each with the JSON Pointer to it. */
  readonly fields: readonly ProblemField[];
  /** Identifies the request to support. */
  readonly requestId: string | undefined;
  /** Facts for programs, such as the id of a conflicting record. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfterMs: number | undefined;
  /** Whether the same call can succeed later. The client has retried it, unless that could do the work twice. */
  readonly retryable: boolean;

  constructor(facts: Facts, cause?: unknown) {
    super(facts.detail ?? facts.code, { cause });
    this.code = facts.code;
    this.type = facts.type ?? 'about:blank';
    this.status = facts.status ?? 0;
    this.fields = facts.errors ?? [];
    this.requestId = facts.requestId;
    this.metadata = facts.metadata ?? {};
    this.retryAfterMs = facts.retryAfterMs;
    // A quota answers 429 too, but without a time after which a retry could succeed.
    this.retryable =
      this.status === 0 || this.status >= 500 || this.retryAfterMs !== undefined || passing.includes(this.code);
  }

  /** Whether nothing was done, so that even a write without an idempotency key can be repeated. */
  get isUndone(): boolean {
    return this.status === 429 || this.code === 'OVERLOADED' || this.code === 'STORAGE_FULL';
  }

  /** The error of an answer that is no success. */
  static async of(response: Response): Promise<RapportError> {
    const text = await response.text();
    const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json');
    const problem: Partial<Problem> = isProblem ? (JSON.parse(text) as Problem) : { detail: text.slice(0, 500) };
    const seconds = response.headers.get('retry-after');
    const retryAfterMs = seconds !== null && /^\d+$/.test(seconds) ? Number(seconds) * 1_000 : undefined;
    const requestId = problem.requestId ?? response.headers.get('x-request-id') ?? '';
    return new RapportError({ code: 'HTTP_ERROR', ...problem, requestId, status: response.status, retryAfterMs });
  }

  /** What `fetch` and the body of an answer throw. */
  static from(error: unknown): RapportError {
    if (error instanceof RapportError) return error;
    return new RapportError({ code: 'CONNECTION_FAILED', detail: `The connection failed: ${String(error)}` }, error);
  }
}
