import type { RestRoute } from '@rapport/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Limits } from '../limits/limits.js';
import { sendProblem } from '../problem.js';
import type { AllowedOrigins } from './allowed-origins.js';
import { preflightHeaders } from './cors-headers.js';

/**
 * Answers the preflights of browsers (https://fetch.spec.whatwg.org/#cors-preflight-fetch) for the paths of the API, and for no
 * others. They have no credential: their address is charged. Call it before unknown routes are refused, as these are of none.
 */
export function answerPreflights(
  server: FastifyInstance,
  routes: readonly RestRoute[],
  origins: AllowedOrigins,
  limits: Limits,
): void {
  const allowing = preflightHeaders(routes);
  server.addHook('onRequest', (request, reply, done) => {
    const origin = originOfPreflight(request);
    if (origin === undefined) return done();
    const limited = limits.chargeAddress(request.ip, 1);
    if (limited) return void sendProblem(reply, limited);
    origins.has(origin).then((isAllowed) => {
      void reply.header('vary', 'Origin');
      if (isAllowed) void reply.headers({ 'access-control-allow-origin': origin, ...allowing });
      void reply.code(204).send();
    }, done);
  });
}

function originOfPreflight({ is404, method, url, headers }: FastifyRequest): string | undefined {
  const isPreflight =
    is404 && method === 'OPTIONS' && url.startsWith('/v1/') && headers['access-control-request-method'] !== undefined;
  return isPreflight ? headers.origin : undefined;
}
