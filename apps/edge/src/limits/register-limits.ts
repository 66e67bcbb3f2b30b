import type { FastifyInstance } from 'fastify';
import type { CachedRoute } from '../cache/cached-route.js';
import type { Charges } from '../cache/charges.js';
import { whenClosed } from '../when-closed.js';
import { costOf } from './cost.js';
import type { Limits } from './limits.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Called when the service has answered: what follows takes as long as the client does. */
    answered: (() => void) | undefined;
    /** Gives the place of the call back; calling it again does nothing. */
    leave: (() => void) | undefined;
  }
  interface FastifyContextConfig {
    /** On a route whose answers are kept: only those of its reads that the service is asked for take a place, when it is. */
    kept?: CachedRoute | undefined;
  }
}

/**
 * Has every request of the scope pay what its operation costs, and take its place before it is worked on. To be called
 * after the hook that finds out who asks. The place is given back when the answer has been sent, or its client has gone:
 * streams and uploads keep theirs until they end. A refused upload gives its place back at once, while its body is drained.
 */
export function registerLimits(scope: FastifyInstance, limits: Limits, charges: Charges): void {
  scope.decorateRequest('answered');
  scope.decorateRequest('leave');
  scope.addHook('onRequest', async ({ principal, routeOptions, raw, ip }, reply) => {
    const { route } = routeOptions.config;
    if (!route) return;
    if (!principal) {
      // Proven calls are charged by `registerProvenCalls`.
      const limited = route.provenBy === undefined ? limits.chargeAddress(ip, costOf(route.method)) : undefined;
      if (limited) throw limited;
      return;
    }
    void reply.headers({ ...(charges.of(raw) ?? (await limits.charge(principal, costOf(route.method)))) });
  });
  // The body is there: a slow sender takes nobody's place, and is no sign of a slow service.
  scope.addHook('preHandler', async (request, reply) => {
    const { route, kept } = request.routeOptions.config;
    if (!route || kept) return;
    request.leave = limits.enter(route.method, request.principal);
    if (route.answerUsage === 'message') request.answered = limits.watch(route.method);
    whenClosed(reply.raw, () => {
      request.answered?.();
      request.leave?.();
    });
  });
  scope.addHook('onSend', async (request, reply) => {
    request.answered?.();
    if (reply.statusCode >= 400) request.leave?.();
  });
}
