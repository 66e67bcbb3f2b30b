import type { RestRoute } from '@rapport/contracts';
import { permissionMissing, type Caller } from '@rapport/platform';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiKeyAuthenticator } from './api-key-authenticator.js';
import { handleError } from './handle-error.js';
import { refuseBody, validatorCompiler } from './request-validation.js';
import type { ServiceClients } from './service-clients.js';
import { sendStream } from './stream-answer.js';
import { uploadMessages } from './upload-messages.js';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined;
  }
  interface FastifyContextConfig {
    /** The contract's route, on every route that has one. */
    route?: RestRoute;
  }
}

/** How long the edge waits for an answer when the contract does not say, in milliseconds. */
const defaultDeadlineMs = 10_000;

/** Registers one Fastify route for each REST endpoint of the contract. */
export async function registerContractRoutes(
  server: FastifyInstance,
  routes: readonly RestRoute[],
  clients: ServiceClients,
  authenticator: ApiKeyAuthenticator,
): Promise<void> {
  await server.register(async (scope) => {
    scope.decorateRequest('caller');
    scope.setValidatorCompiler(validatorCompiler);
    scope.setErrorHandler(handleError);
    scope.addHook('onRequest', async (request) => authorise(request, authenticator));
    for (const route of routes.filter(({ bodyUsage }) => bodyUsage !== 'file')) addRoute(scope, route, clients);
    await scope.register(async (files) => {
      files.removeAllContentTypeParsers();
      // The stream itself, of any type and size: it is passed on as it comes.
      files.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
      for (const route of routes.filter(({ bodyUsage }) => bodyUsage === 'file')) addRoute(files, route, clients);
    });
  });
}

/** Denies by default: a route without a contract has no caller to serve. */
async function authorise(request: FastifyRequest, authenticator: ApiKeyAuthenticator): Promise<void> {
  const policy = request.routeOptions.config.route?.method.policy;
  if (!policy) throw new Error(`${request.routeOptions.url} is in no contract.`);
  if (policy.public) return;
  request.caller = await authenticator.authenticate(request.headers.authorization, request.id);
  if (!request.caller.permissions.includes(policy.permission)) throw permissionMissing(policy.permission);
}

function addRoute(scope: FastifyInstance, route: RestRoute, clients: ServiceClients): void {
  const { response, ...request } = route.schemas;
  const { path } = route.method;
  const client = clients.for(path);
  const deadlineMs = route.method.policy.deadlineMs || defaultDeadlineMs;
  scope.route({
    method: route.verb,
    url: route.path.pattern,
    schema: { ...request, ...(response ? { response: { [route.status]: response } } : {}) },
    config: { route },
    // Nobody would read the stream that a HEAD asks for.
    exposeHeadRoute: route.answerUsage === 'message',
    handler: async (request, reply) => {
      const options = {
        context: { requestId: request.id, caller: request.caller },
        deadlineMs,
        signal: abortedWithClient(reply),
      };
      if (route.bodyUsage !== 'file') refuseBody(route, request.body);
      const parts = requestParts(request);
      const message = route.toMessage(parts);
      const toJson = (answer: Record<string, unknown>) => route.toJson(answer, parts);
      if (route.answerUsage !== 'message') {
        return sendStream(reply, route, client.stream(path, message, options), toJson);
      }
      const answer =
        route.bodyUsage === 'file'
          ? await client.upload(path, uploadMessages(route, request, message), options)
          : await client.unary(path, message, options);
      return send(reply, route, answer as Record<string, unknown>, toJson);
    },
  });
}

function requestParts(request: FastifyRequest) {
  return {
    params: request.params as Record<string, unknown>,
    query: request.query as Record<string, unknown>,
    headers: request.headers,
    body: request.body,
  };
}

function send(
  reply: FastifyReply,
  route: RestRoute,
  answer: Record<string, unknown>,
  toJson: (answer: Record<string, unknown>) => Record<string, unknown>,
): FastifyReply {
  if (typeof answer['etag'] === 'string' && answer['etag'] !== '') void reply.header('etag', answer['etag']);
  if (route.status === 201)
    void reply.header('location', `${reply.request.url.split('?', 1)[0]}/${String(answer['id'])}`);
  void reply.header('cache-control', 'private, no-cache');
  return route.status === 204 ? reply.code(204).send() : reply.code(route.status).send(toJson(answer));
}

/** Ends what is done for a client that has gone. */
function abortedWithClient(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
