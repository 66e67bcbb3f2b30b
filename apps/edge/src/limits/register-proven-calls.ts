import type { FastifyInstance, FastifyRequest } from 'fastify';
import { costOf } from './cost.js';
import type { Limits } from './limits.js';

/**
 * Has every public call that a service proves by somebody's secret pay from a budget of whose it is, before its body is read, and
 * refuses addresses from which too many come without proof.
 */
export function registerProvenCalls(scope: FastifyInstance, limits: Limits): void {
  scope.addHook('onRequest', async (request, reply) => {
    const { route } = request.routeOptions.config;
    const owner = ownerOf(request);
    if (!route || owner === undefined) return;
    const end = limits.provenCalls.enter(request.ip, owner);
    // Who does not wait for the answer could try without end.
    reply.raw.once('close', () => {
      if (reply.raw.writableFinished) end(reply.raw.statusCode);
    });
    void reply.headers({ ...(await limits.chargeOwner(owner, costOf(route.method))) });
  });
}

/** Whose secret is to prove the call, such as the id of a connection: nobody has said yet that there is such a one. */
function ownerOf({ params, routeOptions }: FastifyRequest): string | undefined {
  const { provenBy } = routeOptions.config.route ?? {};
  return provenBy === undefined ? undefined : encodeURIComponent((params as Record<string, string>)[provenBy] ?? '');
}
