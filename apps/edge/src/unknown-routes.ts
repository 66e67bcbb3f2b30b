import { AppError } from '@rapport/platform';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Limits } from './limits/limits.js';
import { sendProblem } from './problem.js';

/** A path with the methods of its routes. */
interface KnownPath {
  form: RegExp;
  methods: Set<string>;
}

/**
 * Answers requests that match no route: 405 with Allow if the path has other methods, else 404. They are charged to the budget of
 * their address. Call it before any route is added.
 */
export function refuseUnknownRoutes(server: FastifyInstance, limits: Limits): void {
  const paths = new Map<string, KnownPath>();
  server.addHook('onRoute', ({ url, method }) => {
    const known = paths.get(url) ?? { form: formOf(url), methods: new Set() };
    for (const each of [method].flat()) known.methods.add(each);
    paths.set(url, known);
  });
  server.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done();
    const limited = limits.chargeAddress(request.ip, 1);
    if (limited) return void sendProblem(reply, limited);
    const methods = methodsOf(request, [...paths.values()]);
    if (methods.length === 0) return void sendProblem(reply, routeUnknown());
    void sendProblem(reply.header('allow', methods.join(', ')), methodNotAllowed());
  });
}

export function routeUnknown(): AppError {
  return new AppError('NOT_FOUND', 'ROUTE_UNKNOWN', 'There is no such resource or operation.');
}

/** Send it with an Allow header: RFC 9110, section 15.5.6. */
export function methodNotAllowed(): AppError {
  return new AppError(
    'INVALID_ARGUMENT',
    'METHOD_NOT_ALLOWED',
    'The resource does not support this method. The Allow header lists those that it does.',
  );
}

function methodsOf({ url }: FastifyRequest, paths: readonly KnownPath[]): string[] {
  const [path = ''] = url.split('?', 1);
  const found = paths.filter(({ form }) => form.test(path)).flatMap(({ methods }) => [...methods]);
  return [...new Set(found)].sort();
}

/**
 * Converts a pattern of Fastify's router. Parameters match no colon, because a custom verb follows it, such as `:undelete`: an
 * unknown verb is an unknown route.
 */
function formOf(pattern: string): RegExp {
  const steps = pattern.split(/(::|:\w+(?:\([^)]*\))?)/).map((part) => {
    if (part === '::') return ':';
    return part.startsWith(':') ? '[^/:]+' : part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  return new RegExp(`^${steps.join('')}$`);
}
