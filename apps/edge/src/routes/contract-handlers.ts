import type { IncomingMessage } from 'node:http';
import type { RestRoute } from '@rapport/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Admission } from '../access/admission.js';
import { cacheStatus, hasCurrent, sendCached } from '../cache/cached-answer.js';
import type { CachedReads } from '../cache/cached-reads.js';
import type { CachedRoute } from '../cache/cached-route.js';
import { tokenHeader } from '../cache/consistency-tokens.js';
import type { EdgeCache } from '../cache/edge-cache.js';
import type { ConsoleSessions } from '../console/bearer-from-cookie.js';
import { tagsOfWrite } from '../cache/tags.js';
import { clientGone } from '../calls/call-ends.js';
import type { Principal } from '../access/authenticator.js';
import type { OpenCall, OpenCalls } from '../access/open-calls.js';
import { clientOf, headOf } from '../http/request-head.js';
import { isLasting, requestDeadlineMs } from '../calls/peer-client.js';
import type { ServiceClients } from '../calls/service-clients.js';
import { refuseBody } from './request-validation.js';
import { prefersStream, sendStream } from './stream-answer.js';
import { uploadMessages } from './upload-messages.js';

type Message = Record<string, unknown>;
type ConstraintStrategy = Parameters<FastifyInstance['addConstraintStrategy']>[0];
type RouterHandler = Parameters<ReturnType<ConstraintStrategy['storage']>['set']>[1];

/** The dependencies of routes. */
export interface RouteParts {
  admission: Admission;
  clients: ServiceClients;
  cache: Pick<EdgeCache, 'invalidations' | 'tokens'>;
  reads: CachedReads;
  openCalls: OpenCalls;
  /** Absent where nobody can sign in to the console. */
  sessions?: ConsoleSessions | undefined;
  /** Streams that this process answers itself, by path of their method. */
  ownStreams: ReadonlyMap<string, OwnStream>;
}

/** Answers a caller. Ends at the deadline, and throws the reason of the signal. */
type OwnStream = (
  principal: Principal,
  options: { signal: AbortSignal; deadlineMs: number },
) => AsyncGenerator<unknown, void>;

/**
 * Chooses between two methods on one path by Accept: the one that streams its answers for clients that prefer events or lines to
 * JSON, the other for all others. A constraint of Fastify's router: `constraints: { answers: 'stream' }`.
 */
export const byAccept: ConstraintStrategy = {
  name: 'answers',
  storage: () => {
    const handlers = new Map<unknown, RouterHandler>();
    return {
      get: (key: unknown) => handlers.get(key) ?? null,
      set: (key: unknown, handler: RouterHandler) => void handlers.set(key, handler),
    };
  },
  deriveConstraint: ({ headers: { accept } }: IncomingMessage) =>
    // This runs for every request.
    accept !== undefined && accept !== '*/*' && prefersStream(accept) ? 'stream' : undefined,
};

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** The parsed request, before the service is called. */
function readRequest(request: FastifyRequest, reply: FastifyReply, route: RestRoute, openCalls: OpenCalls) {
  const context = { requestId: request.id, principalToken: request.principal?.token, client: clientOf(request) };
  // The deadline starts with the request: authentication and the body have used a part of it.
  const deadlineMs = Math.max(1, requestDeadlineMs(route.method) - reply.elapsedTime);
  const call = new RequestCall(reply, route.method, openCalls);
  const parts = partsOf(request, route);
  return { call, message: route.toMessage(parts), parts, options: { context, deadlineMs, signal: call.signal } };
}

/** @throws AppError for a body that the route does not take */
function partsOf({ params, query, headers, body }: FastifyRequest, route: RestRoute) {
  if (route.bodyUsage !== 'file') refuseBody(route, body);
  return { params: params as Message, query: query as Message, headers, body };
}

/** Calls the service. */
export function callHandler(route: RestRoute, { clients, cache, openCalls }: RouteParts, isByAccept: boolean): Handler {
  const { path } = route.method;
  const client = clients.for(path);
  const invalidated = tagsOfWrite(route);
  return async (request, reply) => {
    if (isByAccept) void reply.header('vary', 'accept');
    const { call, message, parts, options } = readRequest(request, reply, route, openCalls);
    const toText = (answer: Message) => route.toText(answer, parts);
    if (route.answerUsage !== 'message') {
      const messages = call.whileConfirmed(client.stream(path, message, options));
      return sendStream(reply, route, messages, toText);
    }
    const ask = async () =>
      route.bodyUsage === 'file'
        ? client.upload(path, call.whileConfirmed(uploadMessages(route, request, message)), options)
        : client.unary(path, message, options);
    const tenantId = request.principal?.caller.tenantId ?? '';
    const answer = await cache.invalidations.around(invalidated, tenantId, message, ask).finally(() => {
      if (route.verb !== 'GET') void reply.header(tokenHeader, cache.tokens.issue());
    });
    await call.confirmed();
    return send(reply, route, answer as Message, toText);
  };
}

/** Answers with a stream of this process itself. */
export function ownStreamHandler(route: RestRoute, stream: OwnStream, { openCalls }: RouteParts): Handler {
  return async (request, reply) => {
    const { principal } = request;
    if (!principal) throw new Error(`${route.path.pattern} has no caller.`);
    const { call, parts, options } = readRequest(request, reply, route, openCalls);
    const messages = call.whileConfirmed(stream(principal, options));
    return sendStream(reply, route, messages, (answer) => route.toText(answer, parts));
  };
}

function send(
  reply: FastifyReply,
  route: RestRoute,
  answer: Message,
  toText: (answer: Message) => string,
): FastifyReply {
  const { etag, id } = answer;
  void reply.header('cache-control', 'private, no-cache');
  if (typeof etag === 'string' && etag !== '') {
    void reply.header('etag', etag);
    const { ifNoneMatch } = headOf(reply.request.raw);
    if (route.isConditional && ifNoneMatch !== undefined && hasCurrent(ifNoneMatch, etag))
      return reply.code(304).send();
  }
  if (route.status === 201) void reply.header('location', `${reply.request.url.split('?', 1)[0]}/${String(id)}`);
  void reply.code(route.status);
  if (route.isEmpty) return reply.send();
  return reply.type('application/json; charset=utf-8').send(toText(answer));
}

/** Answers a cacheable read that was not answered ahead of the router, for example because its caller was not known yet. */
export function cachedReadHandler(route: CachedRoute, { admission, reads }: RouteParts): Handler {
  return async (request, reply) => {
    const { principal, rate, raw } = request;
    if (!principal || !rate) throw new Error(`${route.url} has no caller.`);
    const parts = partsOf(request, route.route);
    const head = headOf(raw);
    // Replaced once the cache has answered.
    void reply.header('cache-status', 'rapport; fwd=miss');
    const forward = () => {
      const times = { notBefore: admission.notBefore(head, performance.now()), elapsedMs: reply.elapsedTime };
      const caller = { principal, client: clientOf(request), response: reply.raw };
      return reads.read({ route, parts }, { head, url: raw.url ?? '', ...caller, ...times });
    };
    const { answer, status } = await (admission.outcomeOf(raw) ?? forward());
    request.cacheOutcome = status.kind === 'hit' ? 'hit' : 'miss';
    const now = performance.now();
    if (answer.refusal) {
      void reply.header('cache-status', cacheStatus(status, Math.ceil((answer.freshUntil - now) / 1_000)));
      throw answer.refusal;
    }
    reply.hijack();
    // The unread rest of a body would be parsed as the next request.
    if (head.hasBody && !raw.complete) reply.raw.shouldKeepAlive = false;
    sendCached(reply.raw, answer, { head, principal, rate }, status, now);
    return reply;
  };
}

/** How long the client of a stream may take to read the reason of its end, in milliseconds. */
const lingerMs = 1_000;

/** The call of a service that a request makes. It ends with its client, and a lasting one also when its caller loses rights. */
class RequestCall {
  readonly #end = new AbortController();
  readonly #open: OpenCall | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;

  constructor({ raw, request }: FastifyReply, method: RestRoute['method'], openCalls: OpenCalls) {
    const { principal, headers } = request;
    raw.once('close', () => {
      clearTimeout(this.#lingerTimer);
      this.#open?.leave();
      if (!raw.writableFinished) this.#end.abort(clientGone());
    });
    if (!principal || headers.authorization === undefined || !isLasting(method)) return;
    this.#open = openCalls.enter({
      authorization: headers.authorization,
      renew: request.renewAuthorization,
      principal,
      permission: method.policy.permission,
      end: (reason) => {
        // A client that does not read its stream would never come to the end. Any other call has a short answer, which a write
        // gives only when its invalidation is acknowledged: that may take as long as the lease of another edge lasts.
        if (method.responseStream) this.#lingerTimer = setTimeout(() => raw.destroy(), lingerMs);
        this.#end.abort(reason);
      },
    });
  }

  /** Its reason is an AppError. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Passes on no message before the caller's rights are confirmed. */
  async *whileConfirmed<Message>(messages: AsyncIterable<Message>): AsyncGenerator<Message, void> {
    for await (const message of messages) {
      await this.confirmed();
      yield message;
    }
  }

  /** @throws AppError when the caller has lost rights meanwhile */
  async confirmed(): Promise<void> {
    await this.#open?.confirmed();
  }
}
