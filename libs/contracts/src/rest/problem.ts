import { STATUS_CODES } from 'node:http';
import type { AppError, ErrorCode } from '@rapport/platform';

/** An error of RFC 9457. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  /** Absent when the problem is a part of an answer. */
  requestId?: string;
  errors?: PlacedViolation[];
  metadata?: Record<string, string>;
  /** When a retry may succeed, in seconds: what the header Retry-After says too. */
  retryAfterSeconds?: number;
}

/** A wrong value, by the part of the HTTP request that it came in. */
export interface PlacedViolation {
  in: 'body' | 'query' | 'path' | 'header';
  /** JSON Pointer (RFC 6901) within that part. */
  pointer: string;
  code: string;
  detail: string;
}

export const statusOfCode: Readonly<Record<ErrorCode, number>> = {
  CANCELLED: 499,
  INVALID_ARGUMENT: 400,
  OUT_OF_RANGE: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  ABORTED: 409,
  FAILED_PRECONDITION: 409,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

/** Where HTTP has a status of its own for what gRPC says more generally. */
const statusOfReason: Readonly<Record<string, number>> = {
  ETAG_MISMATCH: 412,
  IDEMPOTENCY_KEY_REUSED: 422,
  REQUEST_TIMEOUT: 408,
  BODY_TOO_LARGE: 413,
  CONTENT_TYPE_UNSUPPORTED: 415,
  METHOD_NOT_ALLOWED: 405,
  RANGE_NOT_SATISFIABLE: 416,
  EXPECTATION_FAILED: 417,
  HEADERS_TOO_LARGE: 431,
  STORAGE_FULL: 507,
};

/** The parts of a problem besides its wrong values. */
export type ProblemSource = Pick<AppError, 'code' | 'reason' | 'message'> &
  Partial<Pick<AppError, 'metadata' | 'retryAfterSeconds'>>;

/** The HTTP status of a problem. */
export function statusOfProblem({ reason, code }: Pick<ProblemSource, 'reason' | 'code'>): number {
  return statusOfReason[reason] ?? statusOfCode[code];
}

/** @param errors the wrong values; the sentence of the problem names the first */
export function createProblem(source: ProblemSource, errors: PlacedViolation[], requestId?: string): Problem {
  const { reason, message, metadata = {}, retryAfterSeconds } = source;
  const status = statusOfProblem(source);
  const [first] = errors;
  return {
    type: `urn:rapport:problem:${reason.toLowerCase().replaceAll('_', '-')}`,
    title: STATUS_CODES[status] ?? 'Client Closed Request',
    status,
    detail: first ? `${first.pointer.slice(1).replaceAll('/', '.') || first.in}: ${first.detail}` : message,
    code: reason,
    ...(requestId === undefined ? {} : { requestId }),
    ...(errors.length > 0 ? { errors } : {}),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}

/** The steps of a path by JSON names, such as `places[0].email`. */
export function pathSteps(field: string): string[] {
  return field.split(/[.[\]]+/).filter((step) => step !== '');
}

export function jsonPointer(steps: readonly string[]): string {
  return steps.map((step) => `/${escapePointerStep(step)}`).join('');
}

/** RFC 6901, section 3. */
export function escapePointerStep(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1');
}
