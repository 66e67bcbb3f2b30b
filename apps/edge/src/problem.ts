import { STATUS_CODES } from 'node:http';
import type { RestRoute } from '@rapport/contracts';
import type { AppError, ErrorCode } from '@rapport/platform';
import type { FastifyReply } from 'fastify';
import { RateLimited } from './limits/refusals.js';
import { placeViolation, type PlacedViolation } from './place-violation.js';

/** An error answer of RFC 9457. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  requestId: string;
  errors?: PlacedViolation[];
  metadata?: Record<string, string>;
  /** When a retry may succeed, in seconds: what the header Retry-After says too. */
  retryAfterSeconds?: number;
}

const statusOfCode: Record<ErrorCode, number> = {
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
  EXPECTATION_FAILED: 417,
  HEADERS_TOO_LARGE: 431,
};

/** @param route tells which part of the request a field of the message came from */
export function toProblem(error: AppError, requestId: string, route?: RestRoute): Problem {
  const errors = error.violations.map((violation) => placeViolation(violation, route));
  return createProblem(error, requestId, errors);
}

/** The problem answer to a request with wrong values, the first of which its sentence names. */
export function createProblem(error: AppError, requestId: string, errors: PlacedViolation[]): Problem {
  const { reason, code, message, metadata, retryAfterSeconds } = error;
  const status = statusOfReason[reason] ?? statusOfCode[code];
  const [first] = errors;
  return {
    type: `urn:rapport:problem:${reason.toLowerCase().replaceAll('_', '-')}`,
    title: STATUS_CODES[status] ?? 'Client Closed Request',
    status,
    detail: first ? `${first.pointer.slice(1).replaceAll('/', '.') || first.in}: ${first.detail}` : message,
    code: reason,
    requestId,
    ...(errors.length > 0 ? { errors } : {}),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}

/** The headers that belong to an error, besides those that its status has. */
export function problemHeaders(error: AppError): Record<string, string> {
  return {
    ...(error instanceof RateLimited ? error.headers : {}),
    ...(error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(error.retryAfterSeconds) }),
  };
}

export function sendProblem(reply: FastifyReply, error: AppError, route?: RestRoute): FastifyReply {
  return replyWith(reply.headers(problemHeaders(error)), toProblem(error, reply.request.id, route));
}

/** Past the route's serializer, which knows its answers only. */
export function replyWith(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer realm="rapport"');
  return reply
    .code(problem.status)
    .type('application/problem+json; charset=utf-8')
    .serializer((payload: Problem) => JSON.stringify(payload))
    .send(problem);
}
