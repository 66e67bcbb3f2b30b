import { AppError } from '@rapport/platform';
import type { ErrorObject } from 'ajv';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { clientGone } from '../calls/call-ends.js';
import { validationProblem } from '../routes/request-validation.js';
import { replyWith, sendProblem } from './problem.js';

/** Answers any error of the handling of a request. An unexpected one is logged, and answered without detail. */
export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { route } = request.routeOptions.config;
  if (isFastifyError(error) && error.validation && error.validationContext) {
    return replyWith(reply, validationProblem(error.validation as ErrorObject[], error.validationContext, request.id));
  }
  const refusal = asAppError(error, request);
  request.isShed = shedding.has(refusal.reason);
  return sendProblem(reply, refusal, route);
}

/** Reasons of the limits of the edge. */
const shedding: ReadonlySet<string> = new Set(['RATE_LIMITED', 'TOO_MANY_CONCURRENT', 'OVERLOADED']);

/** The error as the client gets it. An unexpected one is logged. */
export function asAppError(error: unknown, request: FastifyRequest): AppError {
  if (error instanceof AppError) {
    if (error.code === 'INTERNAL') request.log.error({ err: error.cause }, 'a service failed');
    if (error.cause instanceof AppError && error.cause.code === 'UNAUTHENTICATED') {
      request.log.error(
        { err: error.cause },
        'a service refuses the principals of auth: compare their clocks and keys',
      );
    }
    return error;
  }
  if (request.raw.destroyed) return clientGone();
  const known = asClientError(error);
  if (known) return known;
  request.log.error({ err: error }, 'unexpected error');
  return new AppError('INTERNAL', 'INTERNAL', 'Something went wrong on our side.');
}

/** The error for a request that Fastify can't read or has no route for. @returns undefined for any other error */
function asClientError(error: unknown): AppError | undefined {
  const status = statusOf(error);
  switch (status) {
    case 404:
      return routeUnknown();
    case 413:
      return new AppError('INVALID_ARGUMENT', 'BODY_TOO_LARGE', 'The body is too large.');
    case 414:
      return new AppError('INVALID_ARGUMENT', 'URL_TOO_LONG', 'The URL is too long.');
    case 415:
      return new AppError('INVALID_ARGUMENT', 'CONTENT_TYPE_UNSUPPORTED', 'Send the body as application/json.');
    default:
      if (status === undefined || status < 400 || status >= 500) return undefined;
      return new AppError('INVALID_ARGUMENT', 'REQUEST_MALFORMED', 'The request can not be read.', {
        violations: [{ field: '', reason: 'REQUEST_MALFORMED', description: (error as Error).message }],
      });
  }
}

export function routeUnknown(): AppError {
  return new AppError('NOT_FOUND', 'ROUTE_UNKNOWN', 'There is no such resource or operation.');
}

/** Send it with an Allow header: RFC 9110, section 15.5.6. */
export function methodNotAllowed(): AppError {
  return new AppError(
    'INVALID_ARGUMENT',
    'METHOD_NOT_ALLOWED',
    'The resource does not support this method. The Allow header lists those that it does.',
  );
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { statusCode, status } = error as { statusCode?: unknown; status?: unknown };
  return typeof statusCode === 'number' ? statusCode : typeof status === 'number' ? status : undefined;
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error;
}
