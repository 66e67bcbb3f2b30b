import type { ServiceDefinition } from '@grpc/grpc-js';
import { openApiDocument, restRoutes, ServiceCertificates, type Contract, type RestRoute } from '@rapport/contracts';
import { answerProbe, Readiness, type Logger } from '@rapport/platform';
import type { FastifyInstance } from 'fastify';
import { AccessTokenVerifier } from './access-token-verifier.js';
import { Authenticator } from './authenticator.js';
import { createAnswerAhead } from './cache/answer-ahead.js';
import { createEdgeCache } from './cache/edge-cache.js';
import type { EdgeConfig } from './config.js';
import { createHttpServer } from './connection-limits.js';
import { registerContractRoutes } from './contract-routes.js';
import { AllowedOrigins } from './cors/allowed-origins.js';
import { answerPreflights } from './cors/answer-preflights.js';
import { Denials } from './denials.js';
import { registerDocuments } from './documents.js';
import { registerOidc } from './forward-oidc.js';
import { costOf } from './limits/cost.js';
import { defaultLimitSettings } from './limits/limit-settings.js';
import { Limits } from './limits/limits.js';
import { OidcConnection } from './oidc-connection.js';
import { OpenCalls } from './open-calls.js';
import { createRedis } from './redis.js';
import { logRequests } from './request-log.js';
import { traceRequests } from './request-trace.js';
import { readSecurityHeaders } from './security-headers.js';
import { ServiceClients } from './service-clients.js';
import { refuseUnknownRoutes } from './unknown-routes.js';

export interface Edge {
  app: FastifyInstance;
  readiness: Readiness;
}

/** Puts the edge together. The order is the order in which a request meets its parts. */
export async function createEdge(
  config: EdgeConfig,
  contract: Contract,
  services: readonly ServiceDefinition[],
  logger: Logger,
): Promise<Edge> {
  const redis = config.redisUrl === undefined ? undefined : await createRedis(config.redisUrl, logger);
  const routes = restRoutes(contract);
  const limits = new Limits(config.limits ?? defaultLimitSettings(), redis, logger, highestCost(routes));
  const certificates = config.certificates && new ServiceCertificates(config.certificates, logger);
  const clients = new ServiceClients(config.addresses, services, contract, certificates);
  const { authHttpAddress, publicUrl: issuer } = config;
  const oidc = authHttpAddress === undefined ? undefined : new OidcConnection(authHttpAddress, certificates);
  // Without an OpenID provider behind it an edge takes API keys only.
  const accessTokens = oidc && issuer ? new AccessTokenVerifier({ connection: oidc, issuer }) : undefined;
  const authenticator = new Authenticator(clients, limits.failedAuthentications, accessTokens);
  const openCalls = new OpenCalls(authenticator);
  const denials = new Denials(clients, logger);
  const cache = createEdgeCache({
    maxBytes: config.cacheBytes,
    redis,
    cacheKey: config.cacheKey,
    contract,
    clients,
    logger,
    onRightsChange: (tenantId) => openCalls.rightsChanged(tenantId),
  });
  const { reads, charges, tokens } = cache;
  const securityHeaders = readSecurityHeaders(config.tls !== undefined);
  const answerAhead = createAnswerAhead({
    cache: reads,
    authenticator,
    limits,
    charges,
    tokens,
    securityHeaders,
    logger,
  });
  // What services it reaches is the same for all edges, and each can still give what it keeps.
  const readiness = new Readiness({ neededAtStart: { ...clients.readinessChecks(), ...cache.readinessChecks } });
  const server = createHttpServer({
    logger,
    isDraining: () => readiness.isDraining,
    trustedProxies: config.trustedProxies,
    securityHeaders,
    tls: config.tls,
    connections: config.connections,
    answerAhead: config.answersAhead === false ? undefined : answerAhead,
  });
  server.addHook('onClose', async () => {
    openCalls.close();
    await denials.close();
    await cache.close();
    limits.close();
    redis?.close();
    clients.onApplicationShutdown();
  });
  traceRequests(server);
  logRequests(server);
  answerPreflights(server, routes, new AllowedOrigins(clients, logger), limits);
  refuseUnknownRoutes(server, limits);
  for (const url of ['/livez', '/readyz']) {
    server.get(url, async (request, reply) => {
      const { status, body } = await answerProbe(request.url, readiness);
      return reply.code(status).send(body);
    });
  }
  registerDocuments(server, () => openApiDocument(contract, routes, '1.0.0'));
  if (oidc) await registerOidc(server, oidc, limits);
  await registerContractRoutes(server, routes, clients, authenticator, limits, cache, denials, openCalls);
  return { app: server, readiness };
}

/** What the dearest operation costs, in units of a rate. */
function highestCost(routes: readonly RestRoute[]): number {
  return Math.max(...routes.map(({ method }) => costOf(method)));
}
