import type { RestRoute } from '@rapport/contracts';
import { AppError, permissionMissing, type Caller } from '@rapport/platform';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator, Principal } from './authenticator.js';
import { answerRead } from './cache/answer-read.js';
import { cachedRoute } from './cache/cached-route.js';
import { tokenHeader } from './cache/consistency-tokens.js';
import type { EdgeCache } from './cache/edge-cache.js';
import { hasCurrent } from './cache/entity-tag.js';
import { floorsOfWrite } from './cache/tags.js';
import { clientOf } from './client-of.js';
import { readJsonBodies, readMergePatches, refuseContentCoding } from './content-forms.js';
import { shareWithOrigins } from './cors/cors-headers.js';
import type { Denials } from './denials.js';
import { defaultDeadlineMs } from './lasting-calls.js';
import type { Limits } from './limits/limits.js';
import { registerLimits } from './limits/register-limits.js';
import { registerProvenCalls } from './limits/register-proven-calls.js';
import type { OpenCalls } from './open-calls.js';
import { RequestCall } from './request-call.js';
import { refuseBody, serializerCompiler, validatorCompiler } from './request-validation.js';
import type { ServiceClients } from './service-clients.js';
import { byAccept, sendStream } from './stream-answer.js';
import { uploadMessages } from './upload-messages.js';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined;
    /** Absent on methods that need no credential. */
    principal: Principal | undefined;
  }
  interface FastifyContextConfig {
    /** The contract's route, on every route that has one. */
    route?: RestRoute;
  }
}

type Message = Record<string, unknown>;

/** What of it the edge keeps for itself, so that also the answer that a service took too long is there in time. */
const answerMs = 250;

/** Registers one Fastify route for each REST endpoint of the contract. */
export async function registerContractRoutes(
  server: FastifyInstance,
  routes: readonly RestRoute[],
  clients: ServiceClients,
  authenticator: Authenticator,
  limits: Limits,
  cache: EdgeCache,
  denials: Denials,
  openCalls: OpenCalls,
): Promise<void> {
  const parts = { clients, limits, cache, openCalls };
  server.addConstraintStrategy(byAccept);
  await server.register(async (scope) => {
    scope.decorateRequest('caller');
    scope.decorateRequest('principal');
    scope.setValidatorCompiler(validatorCompiler);
    scope.setSerializerCompiler(serializerCompiler);
    // Fastify accepts it by default. No method of the contract takes plain text.
    scope.removeContentTypeParser('text/plain');
    shareWithOrigins(scope);
    scope.addHook('onRequest', (request, _reply, done) => authenticate(request, authenticator, limits, done));
    registerProvenCalls(scope, limits);
    registerLimits(scope, limits, cache.charges);
    // After the charge: who may not do what they ask for pays too, or could ask without end.
    scope.addHook('onRequest', (request, _reply, done) => requirePermission(request, denials, done));
    refuseContentCoding(scope);
    readJsonBodies(scope);
    for (const route of routes.filter(({ bodyUsage }) => bodyUsage === 'input'))
      addRoute(scope, route, parts, isChosenByAccept(route, routes));
    await scope.register(async (patches) => {
      readMergePatches(patches);
      for (const route of routes.filter(({ bodyUsage }) => bodyUsage === 'patch')) addRoute(patches, route, parts);
    });
    await scope.register(async (files) => {
      files.removeAllContentTypeParsers();
      // The stream itself, of any type and size: it is passed on as it comes.
      files.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
      for (const route of routes.filter(({ bodyUsage }) => bodyUsage === 'file')) addRoute(files, route, parts);
    });
    await scope.register(async (bytes) => {
      bytes.removeAllContentTypeParsers();
      // Of any type, and byte for byte: whoever has signed them has signed nothing else.
      bytes.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
      for (const route of routes.filter(({ bodyUsage }) => bodyUsage === 'bytes')) addRoute(bytes, route, parts);
    });
  });
}

/** Denies by default: a route without a contract has no caller to serve. */
function authenticate(
  request: FastifyRequest,
  authenticator: Authenticator,
  limits: Limits,
  done: (error?: Error) => void,
): void {
  const policy = request.routeOptions.config.route?.method.policy;
  if (!policy) return done(new Error(`${request.routeOptions.url} is in no contract.`));
  if (policy.public) return done();
  const admit = (principal: Principal) => {
    request.principal = principal;
    request.caller = principal.caller;
    done();
  };
  const { authorization } = request.headers;
  const known = authenticator.known(authorization);
  if (known) return admit(known);
  const refuse = (error: Error) => {
    const isAnonymous = error instanceof AppError && error.reason === 'CREDENTIAL_MISSING';
    const limited = isAnonymous ? limits.chargeAddress(request.ip, 1) : undefined;
    done(limited ?? error);
  };
  authenticator.authenticate(authorization, request.id, clientOf(request)).then(admit, refuse);
}

function requirePermission(request: FastifyRequest, denials: Denials, done: (error?: Error) => void): void {
  const method = request.routeOptions.config.route?.method;
  const permission = method?.policy.permission ?? '';
  const { caller } = request;
  if (method?.policy.public === true || caller?.permissions.includes(permission) === true) return done();
  if (method && caller) {
    const { tenantId, principalId } = caller;
    denials.note({
      tenantId,
      principalId,
      permission,
      method: method.path,
      requestId: request.id,
      ...clientOf(request),
    });
  }
  done(permissionMissing(permission));
}

/** Whether another method answers the same verb and path: one in one message, and the other in a stream. */
function isChosenByAccept(route: RestRoute, routes: readonly RestRoute[]): boolean {
  return routes.some(
    (other) =>
      (other.answerUsage === 'message') !== (route.answerUsage === 'message') &&
      other.verb === route.verb &&
      other.path.pattern === route.path.pattern,
  );
}

interface RouteParts {
  clients: ServiceClients;
  limits: Limits;
  cache: EdgeCache;
  openCalls: OpenCalls;
}

function addRoute(
  scope: FastifyInstance,
  route: RestRoute,
  { clients, limits, cache, openCalls }: RouteParts,
  isByAccept = false,
): void {
  const { response, ...request } = route.schemas;
  const { path, policy } = route.method;
  const client = clients.for(path);
  const unary = clients.unary(route.method);
  const deadlineMs = policy.deadlineMs || defaultDeadlineMs;
  const kept = cachedRoute(route);
  const raised = floorsOfWrite(route);
  scope.route({
    method: route.verb,
    url: route.path.pattern,
    schema: { ...request, ...(response ? { response: { [route.status]: response } } : {}) },
    config: { route, kept },
    ...(route.fields.body && !route.isBodyRequired ? { preValidation: takeAsEmpty } : {}),
    ...(route.maxBodyBytes !== undefined && { bodyLimit: route.maxBodyBytes }),
    ...(isByAccept && route.answerUsage !== 'message' ? { constraints: { answers: 'stream' } } : {}),
    // Nobody would read the stream that a HEAD asks for.
    exposeHeadRoute: route.answerUsage === 'message',
    handler: async (request, reply) => {
      if (isByAccept) void reply.header('vary', 'accept');
      const context = { requestId: request.id, principalToken: request.principal?.token, client: clientOf(request) };
      // It counts from the request on: finding out who asks and reading the body have taken of it.
      const leftMs = Math.max(1, deadlineMs - answerMs - reply.elapsedTime);
      const call = new RequestCall(reply, route.method, openCalls);
      const options = { context, deadlineMs: leftMs, signal: call.signal };
      if (route.bodyUsage !== 'file') refuseBody(route, request.body);
      const parts = requestParts(request);
      const message = route.toMessage(parts);
      const toJson = (answer: Message) => route.toJson(answer, parts);
      if (kept) {
        const ask = (signal: AbortSignal) => {
          const load = { ...options, deadlineMs: deadlineMs - answerMs, signal };
          return limits.during(route.method, request.principal, () => unary(message, load));
        };
        return answerRead(reply, kept, cache, message, { gone: options.signal, leftMs }, ask, toJson);
      }
      const tenantId = request.caller?.tenantId ?? '';
      if (route.answerUsage !== 'message') {
        const messages = call.whileConfirmed(client.stream(path, message, options));
        return sendStream(reply, route, messages, toJson);
      }
      const ask = async () =>
        route.bodyUsage === 'file'
          ? client.upload(path, call.whileConfirmed(uploadMessages(route, request, message)), options)
          : unary(message, options);
      const answer = await cache.invalidations.around(raised, tenantId, message, ask).finally(() => {
        if (route.verb !== 'GET') void reply.header(tokenHeader, cache.tokens.issue());
      });
      await call.confirmed();
      return send(reply, route, answer as Message, toJson);
    },
  });
}

/** A body that a route does not need may be left out. */
function takeAsEmpty(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  request.body ??= {};
  done();
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
  answer: Message,
  toJson: (answer: Message) => Message,
): FastifyReply {
  const { etag, id } = answer;
  void reply.header('cache-control', 'private, no-cache');
  if (typeof etag === 'string' && etag !== '') {
    void reply.header('etag', etag);
    const { 'if-none-match': ifNoneMatch } = reply.request.headers;
    if (route.verb === 'GET' && ifNoneMatch !== undefined && hasCurrent(ifNoneMatch, etag))
      return reply.code(304).send();
  }
  if (route.status === 201) void reply.header('location', `${reply.request.url.split('?', 1)[0]}/${String(id)}`);
  return reply.code(route.status).send(route.schemas.response ? toJson(answer) : undefined);
}
