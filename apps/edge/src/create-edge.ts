import 'reflect-metadata';
import helmet from '@fastify/helmet';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { openApiDocument, restRoutes, type Contract } from '@rapport/contracts';
import { answerProbe, nestLogger, Readiness, type Logger } from '@rapport/platform';
import { ApiKeyAuthenticator } from './api-key-authenticator.js';
import type { EdgeConfig } from './config.js';
import { createHttpServer } from './connection-limits.js';
import { registerContractRoutes } from './contract-routes.js';
import { registerDocuments } from './documents.js';
import { EdgeModule } from './edge.module.js';
import { ProblemFilter } from './problem-filter.js';
import { logRequests } from './request-log.js';
import { ServiceClients } from './service-clients.js';

export interface Edge {
  app: NestFastifyApplication;
  readiness: Readiness;
}

/** Puts the edge together. The order is the order in which a request meets its parts. */
export async function createEdge(
  config: EdgeConfig,
  contract: Contract,
  services: readonly ServiceDefinition[],
  logger: Logger,
): Promise<Edge> {
  const server = createHttpServer(logger, config.trustedProxies);
  const app = await NestFactory.create<NestFastifyApplication>(
    EdgeModule.register(new ServiceClients(config.addresses, services)),
    // Nest's types are of the Fastify release that it pins.
    new FastifyAdapter(server as unknown as ConstructorParameters<typeof FastifyAdapter>[0]),
    { logger: nestLogger(logger), bodyParser: false, abortOnError: false },
  );
  const clients = app.get(ServiceClients);
  const readiness = new Readiness(clients.readinessChecks());
  const routes = restRoutes(contract);

  logRequests(server);
  await server.register(helmet, {
    global: true,
    // The edge itself may be asked over plain HTTP; whoever ends TLS in front of it decides.
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
  });
  for (const url of ['/livez', '/readyz']) {
    server.get(url, async (request, reply) => {
      const { status, body } = await answerProbe(request.url, readiness);
      return reply.code(status).send(body);
    });
  }
  await registerDocuments(server, openApiDocument(contract, routes, '1.0.0'));
  await registerContractRoutes(server, routes, clients, app.get(ApiKeyAuthenticator));
  app.useGlobalFilters(new ProblemFilter());
  return { app, readiness };
}
