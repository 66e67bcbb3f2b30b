import { STATUS_CODES } from 'node:http';
import type { RestRoute } from '@rapport/contracts';
import type { AppError, ErrorCode } from '@rapport/platform';
import type { FastifyReply } from 'fastify';
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
};

/** @param route tells which part of the request a field of the message came from */
export function toProblem(error: AppError, requestId: string, route?: RestRoute): Problem {
  const status = statusOfReason[error.reason] ?? statusOfCode[error.code];
  return {
    type: `urn:rapport:problem:${error.reason.toLowerCase().replaceAll('_', '-')}`,
    title: STATUS_CODES[status] ?? 'Client Closed Request',
    status,
    detail: error.message,
    code: error.reason,
    requestId,
    ...(error.violations.length > 0
      ? { errors: error.violations.map((violation) => placeViolation(violation, route)) }
      : {}),
    ...(Object.keys(error.metadata).length > 0 ? { metadata: error.metadata } : {}),
  };
}

export function sendProblem(reply: FastifyReply, error: AppError, route?: RestRoute): FastifyReply {
  const problem = toProblem(error, reply.request.id, route);
  if (error.retryAfterSeconds !== undefined) void reply.header('retry-after', error.retryAfterSeconds);
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer realm="rapport"');
  return reply
    .code(problem.status)
    .type('application/problem+json; charset=utf-8')
    .serializer((payload: Problem) => JSON.stringify(payload))
    .send(problem);
}
