import type { FastifyInstance } from 'fastify';

/** Writes one line for each answered request. The path is the route's template: what a client typed may be personal. */
export function logRequests(server: FastifyInstance): void {
  server.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? 'unknown',
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime * 10) / 10,
        tenantId: request.caller?.tenantId,
        principalId: request.caller?.principalId,
      },
      'request',
    );
  });
}
