import type { ServiceDefinition } from '@grpc/grpc-js';
import { costOf, pageRoutes, restRoutes, ServiceCertificates, type Contract, type RestRoute } from '@rapport/contracts';
import { TrafficServiceService } from '@rapport/contracts/rapport/edge/v1/traffic_service';
import { answerProbe, Readiness, type Logger, type ReadinessChecks } from '@rapport/platform';
import type { FastifyInstance } from 'fastify';
import { AccessTokenVerifier } from './access/access-token-verifier.js';
import { Admission } from './access/admission.js';
import { Authenticator } from './access/authenticator.js';
import { CachedReads } from './cache/cached-reads.js';
import { createEdgeCache, type EdgeCache } from './cache/edge-cache.js';
import type { EdgeConfig } from './config.js';
import { createConsole } from './console/create-console.js';
import { apiHeaders } from './http/security-headers.js';
import { createHttpServer } from './http/http-server.js';
import { registerContractRoutes } from './routes/contract-routes.js';
import { AllowedOrigins } from './cors/allowed-origins.js';
import { preflightAnswerer } from './cors/answer-preflights.js';
import { Denials } from './access/denials.js';
import { registerDocuments } from './docs/documents.js';
import { registerOidc } from './oidc/forward-oidc.js';
import { defaultLimitSettings } from './limits/limit-settings.js';
import { Limits } from './limits/limits.js';
import { OidcConnection } from './oidc/oidc-connection.js';
import { OpenCalls } from './access/open-calls.js';
import { firstSteps, servePages } from './pages/serve-pages.js';
import { createRedis } from './redis/redis.js';
import { addressReader } from './http/request-head.js';
import { recordRequests } from './http/request-log.js';
import { ServiceClients } from './calls/service-clients.js';
import { Traffic } from './traffic/traffic.js';
import { serviceStatuses } from './traffic/service-statuses.js';
import { answerUnknownRoutes } from './http/unknown-routes.js';

export interface Edge {
  app: FastifyInstance;
  readiness: Readiness;
}

/** Puts the edge together. The order is the order in which a request meets its parts. */
export async function createEdge(
  config: EdgeConfig,
  contract: Contract,
  definitions: readonly ServiceDefinition[],
  logger: Logger,
): Promise<Edge> {
  const redis = config.redisUrl === undefined ? undefined : await createRedis(config.redisUrl, logger);
  const routes = restRoutes(contract);
  const publicPages = pageRoutes(contract);
  const limits = new Limits(config.limits ?? defaultLimitSettings(), redis, logger, highestCost(routes));
  const certificates = config.certificates && new ServiceCertificates(config.certificates, logger);
  const clients = new ServiceClients(config.addresses, definitions, contract, certificates);
  const { authHttpAddress, publicUrl: issuer, tls } = config;
  const isTls = tls !== undefined;
  const oidc = authHttpAddress === undefined ? undefined : new OidcConnection(authHttpAddress, certificates);
  // Without an OpenID provider behind it an edge takes API keys only.
  const accessTokens = oidc && issuer ? new AccessTokenVerifier({ connection: oidc, issuer }) : undefined;
  const authenticator = new Authenticator(clients, limits.failedAuthentications, accessTokens, limits.plans);
  const openCalls = new OpenCalls(authenticator);
  const pages = createConsole({ config, oidc, authenticator, limits, logger, pageSteps: firstSteps(publicPages) });
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
  const reads = new CachedReads(routes, { clients, places: limits.places, cache, securityHeaders: apiHeaders(isTls) });
  const addressOf = addressReader(config.trustedProxies);
  const services = () => serviceStatuses(clients, cache.answers.sources);
  const traffic = new Traffic({ redis, rates: limits.rates, services, logger });
  const admission = new Admission({ authenticator, limits, cache, reads, denials, traffic, addressOf, logger });
  const readiness = readinessOf(clients, cache);
  const app = createHttpServer({
    logger,
    readiness,
    trustedProxies: config.trustedProxies,
    tls,
    connections: config.connections,
    answerEarly: admission.answerEarly,
  });
  app.addHook('preClose', (done) => {
    traffic.close();
    done();
  });
  app.addHook('onClose', async () => {
    openCalls.close();
    await denials.close();
    await cache.close();
    limits.close();
    redis?.close();
    clients.close();
  });
  recordRequests(app, traffic);
  const answerPreflight = preflightAnswerer(routes, new AllowedOrigins(clients, logger));
  answerUnknownRoutes(app, limits.addresses, [answerPreflight, pages.answerPage]);
  for (const url of ['/livez', '/readyz']) {
    app.get(url, async (request, reply) => {
      const { status, body } = await answerProbe(request.url, readiness);
      return reply.code(status).send(body);
    });
  }
  await registerDocuments(app, contract, { routes, written: config.descriptionFolder, isTls });
  if (oidc) await registerOidc(app, oidc, limits, { isTls, refusedHost: pages.ownHost });
  await pages.register(app);
  await servePages(app, publicPages, { clients, cache, limits: limits.public });
  const ownStreams = new Map([[TrafficServiceService.watchTraffic.path, traffic.watch.bind(traffic)]]);
  await registerContractRoutes(app, routes, {
    admission,
    clients,
    cache,
    reads,
    openCalls,
    ownStreams,
    sessions: pages.sessions,
  });
  return { app, readiness };
}

/** Highest cost of an operation, in units of a rate. */
function highestCost(routes: readonly RestRoute[]): number {
  return Math.max(...routes.map(({ method }) => costOf(method)));
}

/**
 * Unreachable services are the same for all edges, and each edge can still serve cached answers. Without sync, an edge serves
 * all but its operations: an outage of sync alone must not keep new edges away.
 */
function readinessOf(clients: ServiceClients, cache: EdgeCache): Readiness {
  const { sync, ...others } = clients.readinessChecks();
  const awaitedAtStart: ReadinessChecks['awaitedAtStart'] = sync ? { sync } : {};
  return new Readiness({ neededAtStart: { ...others, ...cache.readinessChecks }, awaitedAtStart });
}
