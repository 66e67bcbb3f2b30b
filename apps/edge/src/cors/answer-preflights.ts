import type { RestRoute } from '@rapport/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { handleError } from '../http/handle-error.js';
import type { AllowedOrigins } from './allowed-origins.js';
import { preflightHeaders } from './cors-headers.js';

/**
 * Answers the preflights of browsers (https://fetch.spec.whatwg.org/#cors-preflight-fetch) for the paths of the API, and for no
 * others. They match no route, and have no credential.
 *
 * @returns answers a request, or is false when it is no preflight
 */
export function preflightAnswerer(
  routes: readonly RestRoute[],
  origins: AllowedOrigins,
): (request: FastifyRequest, reply: FastifyReply) => boolean {
  const allowing = preflightHeaders(routes);
  return (request, reply) => {
    const { method, url, headers } = request;
    const { origin } = headers;
    const isPreflight = method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
    if (!isPreflight || !url.startsWith('/v1/') || origin === undefined) return false;
    origins.has(origin).then(
      (isAllowed) => {
        void reply.header('vary', 'Origin');
        if (isAllowed) void reply.headers({ 'access-control-allow-origin': origin, ...allowing });
        void reply.code(204).send();
      },
      (error: unknown) => handleError(error, request, reply),
    );
    return true;
  };
}
