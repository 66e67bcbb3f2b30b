import type { Caller } from '@rapport/platform';
import type { FastifyInstance } from 'fastify';

/** Writes one line for each answered request. The path is the route's template: what a client typed may be personal. */
export function logRequests(server: FastifyInstance): void {
  server.addHook('onResponse', (request, reply, done) => {
    const { url = 'unknown' } = request.routeOptions;
    request.log.info(requestLine(request.method, url, reply.statusCode, reply.elapsedTime, request.caller), 'request');
    done();
  });
}

/** What is logged of a request, beside its id. */
export function requestLine(
  method: string,
  route: string,
  status: number,
  durationMs: number,
  caller: Caller | undefined,
): Record<string, unknown> {
  return {
    method,
    route,
    status,
    durationMs: Math.round(durationMs * 10) / 10,
    tenantId: caller?.tenantId,
    principalId: caller?.principalId,
  };
}
