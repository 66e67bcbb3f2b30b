import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AddressBudgets } from '../limits/address-budgets.js';
import { methodNotAllowed, routeUnknown } from './handle-error.js';
import { sendProblem } from './problem.js';

/** A path with the methods of its routes. */
interface KnownPath {
  form: RegExp;
  methods: Set<string>;
}

/**
 * Answers requests that match no route: preflights, 405 with Allow if the path has other methods, else 404. They are charged to the
 * budget of their address. Call it before any route is added.
 *
 * @param answers tried in turn, before the problem: preflights, and pages of the console. Each is false when it has not answered
 */
export function answerUnknownRoutes(
  server: FastifyInstance,
  addresses: AddressBudgets,
  answers: readonly ((request: FastifyRequest, reply: FastifyReply) => boolean)[],
): void {
  const paths = new Map<string, KnownPath>();
  server.addHook('onRoute', ({ url, method }) => {
    const known = paths.get(url) ?? { form: formOf(url), methods: new Set() };
    for (const each of [method].flat()) known.methods.add(each);
    paths.set(url, known);
  });
  server.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done();
    const limited = addresses.charge(request.ip, 1);
    if (limited) return void sendProblem(reply, limited);
    if (answers.some((answer) => answer(request, reply))) return;
    const methods = methodsOf(request, [...paths.values()]);
    if (methods.length === 0) return void sendProblem(reply, routeUnknown());
    void sendProblem(reply.header('allow', methods.join(', ')), methodNotAllowed());
  });
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
