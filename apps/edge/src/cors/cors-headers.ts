import type { RestRoute } from '@rapport/contracts';
import type { FastifyInstance } from 'fastify';
import type { Principal } from '../access/authenticator.js';
import { tokenHeader } from '../cache/consistency-tokens.js';

/** Response headers that the Fetch standard hides from scripts unless they are listed. */
const exposed = [
  'Age',
  'Cache-Status',
  'ETag',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Rapport-Consistency-Token',
  'Retry-After',
  'X-Request-Id',
].join(', ');

/** How long a browser may cache the answer to a preflight, in seconds. Each answer itself decides what a script may read. */
const maxAgeSeconds = 600;

/** Request headers that are no field of a route. */
const ofEdge = [
  'authorization',
  'cache-control',
  'if-none-match',
  // Sent by readers that resume a stream of events.
  'last-event-id',
  tokenHeader,
  'traceparent',
  'x-request-id',
];

const none: readonly string[] = [];
const unshared: readonly string[] = ['vary', 'Origin'];

/**
 * The CORS headers of an answer: scripts of the request's origin may read it if the caller's tenant has registered the
 * origin. Never part of a cached answer, since they differ by tenant and by origin.
 *
 * @returns names and values in turn
 */
export function corsHeaders({ origins }: Pick<Principal, 'origins'>, origin: string | undefined): readonly string[] {
  if (origins.length === 0) return none;
  if (origin === undefined || !origins.includes(origin)) return unshared;
  return [...unshared, 'access-control-allow-origin', origin, 'access-control-expose-headers', exposed];
}

/** Adds them to every answer of a scope to a known caller, problems included. */
export function shareWithOrigins(scope: FastifyInstance): void {
  scope.addHook('onSend', ({ principal, headers }, reply, _payload, done) => {
    const lines = principal ? corsHeaders(principal, headers.origin) : none;
    for (let index = 0; index < lines.length; index += 2) {
      const [name = '', value = ''] = lines.slice(index, index + 2);
      const varied = name === 'vary' ? reply.getHeader(name) : undefined;
      void reply.header(name, varied === undefined ? value : `${String(varied)}, ${value}`);
    }
    done();
  });
}

/** The headers of a preflight's answer for an origin that is allowed: the same for every path and tenant. */
export function preflightHeaders(routes: readonly RestRoute[]): Readonly<Record<string, string>> {
  const verbs = new Set(routes.flatMap(({ verb }) => (verb === 'GET' ? ['GET', 'HEAD'] : [verb])));
  const ofRoutes = routes.flatMap(({ fields }) => fields.header.map(({ name }) => name));
  const requestHeaders = new Set([...ofEdge, 'content-type', ...ofRoutes]);
  return {
    'access-control-allow-methods': [...verbs].sort().join(', '),
    'access-control-allow-headers': [...requestHeaders].sort().join(', '),
    'access-control-max-age': String(maxAgeSeconds),
  };
}
