import type { RestRoute } from '@rapport/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { takeBearerFromCookie } from '../console/bearer-from-cookie.js';
import { shareWithOrigins } from '../cors/cors-headers.js';
import { byAccept, cachedReadHandler, callHandler, ownStreamHandler, type RouteParts } from './contract-handlers.js';
import { readJsonBodies, readMergePatches, refuseContentCoding } from './content-forms.js';
import { validatorCompiler } from './request-validation.js';

/** Registers one Fastify route for each REST endpoint of the contract. */
export async function registerContractRoutes(
  server: FastifyInstance,
  routes: readonly RestRoute[],
  parts: RouteParts,
): Promise<void> {
  server.addConstraintStrategy(byAccept);
  await server.register(async (scope) => {
    scope.setValidatorCompiler(validatorCompiler);
    // Fastify accepts it by default. No method of the contract takes plain text.
    scope.removeContentTypeParser('text/plain');
    shareWithOrigins(scope);
    if (parts.sessions) takeBearerFromCookie(scope, parts.sessions);
    parts.admission.register(scope);
    refuseContentCoding(scope);
    readJsonBodies(scope);
    const isByAccept = chosenByAccept(routes);
    for (const route of routes.filter(({ bodyUsage }) => bodyUsage === 'input'))
      addRoute(scope, route, parts, isByAccept(route));
    await scope.register(async (patches) => {
      readMergePatches(patches);
      for (const route of routes.filter(({ bodyUsage }) => bodyUsage === 'patch')) addRoute(patches, route, parts);
    });
    await scope.register(async (files) => {
      files.removeAllContentTypeParsers();
      // A stream of any type and size, which is passed on as it arrives.
      files.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
      for (const route of routes.filter(({ bodyUsage }) => bodyUsage === 'file')) addRoute(files, route, parts);
    });
    await scope.register(async (bytes) => {
      bytes.removeAllContentTypeParsers();
      // Raw bytes of any type: a signature covers exactly these bytes.
      bytes.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
      for (const route of routes.filter(({ bodyUsage }) => bodyUsage === 'bytes')) addRoute(bytes, route, parts);
    });
  });
}

/** Whether another method answers the same verb and path: one in one message, and the other in a stream. */
function chosenByAccept(routes: readonly RestRoute[]): (route: RestRoute) => boolean {
  const keyOf = ({ verb, path }: RestRoute) => `${verb} ${path.pattern}`;
  const byKey = Map.groupBy(routes, keyOf);
  const isMessage = ({ answerUsage }: RestRoute) => answerUsage === 'message';
  return (route) => byKey.get(keyOf(route))?.some((other) => isMessage(other) !== isMessage(route)) ?? false;
}

function addRoute(scope: FastifyInstance, route: RestRoute, parts: RouteParts, isByAccept = false): void {
  const cached = parts.reads.of(route);
  if (cached && isByAccept) throw new Error(`${route.method.path}: an answer that depends on Accept can't be cached.`);
  scope.route({
    method: route.verb,
    url: route.path.pattern,
    schema: route.schemas,
    config: { route, cached },
    ...(route.fields.body && !route.isBodyRequired ? { preValidation: takeAsEmpty } : {}),
    ...(route.maxBodyBytes !== undefined && { bodyLimit: route.maxBodyBytes }),
    ...(isByAccept && route.answerUsage !== 'message' ? { constraints: { answers: 'stream' } } : {}),
    // The stream that a HEAD asks for would not be read.
    exposeHeadRoute: route.answerUsage === 'message',
    handler: handlerOf(route, parts, isByAccept),
  });
}

function handlerOf(route: RestRoute, parts: RouteParts, isByAccept: boolean) {
  const cached = parts.reads.of(route);
  if (cached) return cachedReadHandler(cached, parts);
  const own = parts.ownStreams.get(route.method.path);
  return own ? ownStreamHandler(route, own, parts) : callHandler(route, parts, isByAccept);
}

/** A body that a route does not need may be left out. */
function takeAsEmpty(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  request.body ??= {};
  done();
}
