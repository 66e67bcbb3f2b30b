import {
  createProblem,
  jsonPointer,
  pathSteps,
  type PlacedViolation,
  type Problem,
  type RestRoute,
} from '@rapport/contracts';
import type { AppError, FieldViolation } from '@rapport/platform';
import type { FastifyReply } from 'fastify';
import { RateLimited } from '../limits/rate-limits.js';

export const problemType = 'application/problem+json; charset=utf-8';

/** @param route maps a field of the message to its part of the request */
export function toProblem(error: AppError, requestId: string, route?: RestRoute): Problem {
  const errors = error.violations.map((violation) => placeViolation(violation, route));
  return createProblem(error, errors, requestId);
}

/** The headers that belong to an error, besides those that its status has. */
export function problemHeaders(error: AppError): Record<string, string> {
  return {
    ...(error instanceof RateLimited ? error.headers : {}),
    ...(error.reason === 'RANGE_NOT_SATISFIABLE' ? { 'content-range': `bytes */${error.metadata['sizeBytes']}` } : {}),
    ...(error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(error.retryAfterSeconds) }),
  };
}

export function sendProblem(reply: FastifyReply, error: AppError, route?: RestRoute): FastifyReply {
  return replyWith(reply.headers(problemHeaders(error)), toProblem(error, reply.request.id, route));
}

/** Bypasses the route's serializer, which supports only its answers. */
export function replyWith(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer realm="rapport"');
  return reply
    .code(problem.status)
    .type(problemType)
    .serializer((payload: Problem) => JSON.stringify(payload))
    .send(problem);
}

/** Finds the part of the HTTP request that a field of the message came from, such as `sample.places[0].email`. */
function placeViolation({ field, reason, description }: FieldViolation, route?: RestRoute): PlacedViolation {
  const steps = pathSteps(field);
  const [first = ''] = steps;
  const answer = (place: PlacedViolation['in'], path: string[]) => ({
    in: place,
    pointer: jsonPointer(path),
    code: reason,
    detail: description,
  });
  // Without a route it is the path that can't be read.
  if (!route) return answer('path', steps);
  const { path, query, header, body } = route.fields;
  if (body?.jsonName === first) return answer('body', steps.slice(1));
  if (path.some(({ jsonName }) => jsonName === first)) return answer('path', steps);
  if (query.some(({ jsonName }) => jsonName === first)) return answer('query', steps);
  const named = header.find((candidate) => candidate.field.jsonName === first);
  return named ? answer('header', [named.name]) : answer('body', steps);
}
