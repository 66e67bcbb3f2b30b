import type { ServerResponse } from 'node:http';
import type { JsonText, RestRoute } from '@rapport/contracts';
import type { CallClient } from '@rapport/platform';
import type { Principal } from '../access/authenticator.js';
import { clientGone } from '../calls/call-ends.js';
import { parseQuery, type RequestHead } from '../http/request-head.js';
import type { SecurityHeaders } from '../http/security-headers.js';
import type { CallPlaces } from '../limits/places.js';
import { requestDeadlineMs } from '../calls/peer-client.js';
import { compileParameters, type ParameterRules } from '../routes/request-validation.js';
import type { ServiceClients } from '../calls/service-clients.js';
import { cacheKey } from './answer-store.js';
import { etagOf } from './cached-answer.js';
import { cachedRoute, type CachedRoute } from './cached-route.js';
import type { EdgeCache } from './edge-cache.js';
import type { Read } from './read-cache.js';

type Message = Record<string, unknown>;
type Parts = Parameters<RestRoute['toMessage']>[0];
type CallOptions = Parameters<ReturnType<ServiceClients['read']>>[1];

/** The input of a request for a cached route, checked against its schemas. */
export interface AskedRead {
  route: CachedRoute;
  parts: Parts;
}

/** The request that asks. */
export interface ReadRequest {
  head: RequestHead;
  principal: Principal;
  url: string;
  client: CallClient;
  response: ServerResponse;
  /** No load may have begun earlier, by `performance.now()`. */
  notBefore: number;
  /** Time already spent on the request, such as for authentication, in milliseconds. */
  elapsedMs: number;
}

interface CachedReadParts {
  clients: ServiceClients;
  places: CallPlaces;
  cache: Pick<EdgeCache, 'reads'>;
  securityHeaders: SecurityHeaders;
}

type Ask = (message: Message, parts: Parts, options: CallOptions) => Promise<JsonText>;

/** The reads whose answers may be cached: found by their URL, and answered from memory or by the service. */
export class CachedReads {
  readonly #asks = new Map<CachedRoute, Ask>();
  readonly #routes = new Map<RestRoute, CachedRoute>();
  readonly #root: PathNode = { literals: new Map() };

  constructor(
    routes: readonly RestRoute[],
    private readonly parts: CachedReadParts,
  ) {
    for (const route of routes) {
      const cached = cachedRoute(route, parts.securityHeaders);
      if (route.verb === 'GET') addPath(this.#root, route, cached);
      if (!cached) continue;
      this.#routes.set(route, cached);
      this.#asks.set(cached, askFor(route, parts.clients));
    }
  }

  /** @returns undefined for a route whose answers are never cached */
  of(route: RestRoute): CachedRoute | undefined {
    return this.#routes.get(route);
  }

  /**
   * Parses a URL. @returns undefined when it is none of these reads, or when its path and query need more decoding or
   * checks than most: the router handles those
   */
  find(url: string): AskedRead | undefined {
    const at = url.indexOf('?');
    const path = at < 0 ? url : url.slice(0, at);
    if (!plainPath.test(path)) return undefined;
    const values: string[] = [];
    const found = findPath(this.#root, path, values);
    if (!found) return undefined;
    const params: Record<string, unknown> = {};
    for (const [index, name] of found.names.entries()) params[name] = values[index];
    const query = at < 0 ? {} : parseQuery(url.slice(at + 1));
    // Compiled for the first request, as those of the router.
    found.rules ??= compileParameters(found.route.route);
    if (!found.rules.params(params) || !found.rules.query(query)) return undefined;
    return { route: found.route, parts: { params, query, headers: {}, body: undefined } };
  }

  /** @throws AppError what the service refuses the read with, or why it can't be asked */
  read({ route, parts }: AskedRead, request: ReadRequest): Promise<Read> {
    const { head, principal, url, client, response, notBefore, elapsedMs } = request;
    const { method } = route.route;
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(clientGone());
    });
    const message = route.route.toMessage(parts);
    const context = { requestId: head.requestId, principalToken: principal.token, client };
    const deadlineMs = requestDeadlineMs(method);
    const ask = this.#asks.get(route);
    if (!ask) throw new Error(`${route.url} is not cached.`);
    const load = async (signal: AbortSignal) => {
      const call = () => ask(message, parts, { context, deadlineMs, signal });
      const { text, etag } = await this.parts.places.during(method, principal, call);
      return { body: text, etag: etagOf(etag, text) };
    };
    const { tenantId } = principal.caller;
    const key = cacheKey(principal, url);
    const leftMs = Math.max(1, deadlineMs - elapsedMs);
    return this.parts.cache.reads.read({ route, tenantId, key, message, leftMs, notBefore }, load, gone.signal);
  }
}

/**
 * Calls the service. When the caller chooses fields, the edge serialises the JSON itself, because the service gives all
 * fields.
 */
function askFor(route: RestRoute, clients: ServiceClients): Ask {
  const { path } = route.method;
  const read = clients.read(route.method);
  const mask = route.readMask?.field.jsonName;
  return async (message, parts, options) => {
    if (mask === undefined || message[mask] === undefined) return read(message, options);
    const answer = (await clients.for(path).unary(path, message, options)) as Message;
    const { etag } = answer;
    return { id: '', etag: typeof etag === 'string' ? etag : '', text: Buffer.from(route.toText(answer, parts)) };
  };
}

/** Longer parameters are refused by the router, and others need to be decoded first. */
const plainPath = /^\/[\w/-]{1,200}$/;

interface PathNode {
  literals: Map<string, PathNode>;
  parameter?: PathNode;
  /** With the names of its parameters, in order. */
  read?: { route: CachedRoute; names: string[]; rules?: ParameterRules };
}

/** Adds a route's path, also that of a route which is not cached: else a parameter of another route could match it. */
function addPath(root: PathNode, { path }: RestRoute, route: CachedRoute | undefined): void {
  // A segment with more than one literal or one parameter makes the path a complex one.
  const steps = path.pattern.slice(1).split('/');
  if (steps.some((step) => !/^:?\w[\w-]*$/.test(step))) return;
  const node = steps.reduce<PathNode>((node, step) => {
    if (step.startsWith(':')) return (node.parameter ??= { literals: new Map() });
    const next = node.literals.get(step) ?? { literals: new Map() };
    node.literals.set(step, next);
    return next;
  }, root);
  if (!route) return;
  const names = steps.filter((step) => step.startsWith(':')).map((step) => step.slice(1));
  node.read = { route, names };
}

function findPath(root: PathNode, path: string, values: string[]): PathNode['read'] {
  let node: PathNode | undefined = root;
  for (const step of path.slice(1).split('/')) {
    const literal: PathNode | undefined = node.literals.get(step);
    if (!literal) values.push(step);
    node = literal ?? (step === '' ? undefined : node.parameter);
    if (!node) return undefined;
  }
  return node.read;
}
