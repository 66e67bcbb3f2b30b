import { createProblem, type Problem, type RestRoute } from '@rapport/contracts';
import type { AppError } from '@rapport/platform';
import type { FastifyReply } from 'fastify';
import { RateLimited } from './limits/refusals.js';
import { placeViolation } from './place-violation.js';

/** @param route tells which part of the request a field of the message came from */
export function toProblem(error: AppError, requestId: string, route?: RestRoute): Problem {
  const errors = error.violations.map((violation) => placeViolation(violation, route));
  return createProblem(error, errors, requestId);
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
