import type { IncomingMessage } from 'node:http';
import type { RestRoute } from '@rapport/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Admission } from '../access/admission.js';
import { cacheKey } from '../cache/answer-store.js';
import { cacheStatus, etagOf, hasCurrent, sendCached } from '../cache/cached-answer.js';
import type { CachedRoute } from '../cache/cached-route.js';
import { tokenHeader } from '../cache/consistency-tokens.js';
import type { EdgeCache } from '../cache/edge-cache.js';
import { tagsOfWrite } from '../cache/tags.js';
import { clientGone } from '../call-ends.js';
import type { UnaryCall } from '../join-reads.js';
import { defaultDeadlineMs, isLasting } from '../lasting-calls.js';
import type { CallPlaces } from '../limits/places.js';
import type { OpenCall, OpenCalls } from '../access/open-calls.js';
import { clientOf, headOf } from '../http/request-head.js';
import type { ServiceClients } from '../service-clients.js';
import { refuseBody } from './request-validation.js';
import { prefersStream, sendStream } from './stream-answer.js';
import { uploadMessages } from './upload-messages.js';

type Message = Record<string, unknown>;
type ConstraintStrategy = Parameters<FastifyInstance['addConstraintStrategy']>[0];
type RouterHandler = Parameters<ReturnType<ConstraintStrategy['storage']>['set']>[1];

/** What routes are made of. */
export interface RouteParts {
  admission: Admission;
  clients: ServiceClients;
  places: CallPlaces;
  cache: EdgeCache;
  openCalls: OpenCalls;
  isTls: boolean;
}

/** What of a deadline the edge keeps for itself, so that also the answer that a service took too long is there in time. */
const answerMs = 250;

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
    // Every request of every path passes here.
    accept !== undefined && accept !== '*/*' && prefersStream(accept) ? 'stream' : undefined,
};

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** What a handler makes of a request before it calls the service. */
function readRequest(request: FastifyRequest, reply: FastifyReply, route: RestRoute, openCalls: OpenCalls) {
  const deadlineMs = (route.method.policy.deadlineMs || defaultDeadlineMs) - answerMs;
  const context = { requestId: request.id, principalToken: request.principal?.token, client: clientOf(request) };
  // It counts from the request on: authentication and the body have taken of it.
  const leftMs = Math.max(1, deadlineMs - reply.elapsedTime);
  const call = new RequestCall(reply, route.method, openCalls);
  if (route.bodyUsage !== 'file') refuseBody(route, request.body);
  const { headers, body } = request;
  const query = request.query as Message;
  const httpParts = { params: request.params as Message, query, headers, body };
  const message = route.toMessage(httpParts);
  const toJson = (answer: Message) => route.toJson(answer, httpParts);
  return { call, message, toJson, deadlineMs, options: { context, deadlineMs: leftMs, signal: call.signal } };
}

/** Calls the service. */
export function callHandler(route: RestRoute, parts: RouteParts, isByAccept: boolean): Handler {
  const { clients, cache, openCalls } = parts;
  const { path } = route.method;
  const client = clients.for(path);
  const unary = clients.unary(route.method);
  const invalidated = tagsOfWrite(route);
  return async (request, reply) => {
    if (isByAccept) void reply.header('vary', 'accept');
    const { call, message, toJson, options } = readRequest(request, reply, route, openCalls);
    if (route.answerUsage !== 'message') {
      const messages = call.whileConfirmed(client.stream(path, message, options));
      return sendStream(reply, route, messages, toJson);
    }
    const ask = async () =>
      route.bodyUsage === 'file'
        ? client.upload(path, call.whileConfirmed(uploadMessages(route, request, message)), options)
        : unary(message, options);
    const tenantId = request.principal?.caller.tenantId ?? '';
    const answer = await cache.invalidations.around(invalidated, tenantId, message, ask).finally(() => {
      if (route.verb !== 'GET') void reply.header(tokenHeader, cache.tokens.issue());
    });
    await call.confirmed();
    return send(reply, route, answer as Message, toJson);
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
    const { ifNoneMatch } = headOf(reply.request.raw);
    if (route.verb === 'GET' && ifNoneMatch !== undefined && hasCurrent(ifNoneMatch, etag))
      return reply.code(304).send();
  }
  if (route.status === 201) void reply.header('location', `${reply.request.url.split('?', 1)[0]}/${String(id)}`);
  return reply.code(route.status).send(route.schemas.response ? toJson(answer) : undefined);
}

/** Answers a read whose answer may be cached and was not in memory, or whose caller was not known yet. */
export function cachedReadHandler(cached: CachedRoute, parts: RouteParts): Handler {
  const { admission, clients, places, cache, openCalls } = parts;
  const { route } = cached;
  const unary: UnaryCall = clients.unary(route.method);
  return async (request, reply) => {
    const { message, toJson, deadlineMs, options } = readRequest(request, reply, route, openCalls);
    const { principal, rate, raw } = request;
    if (!principal || !rate) throw new Error(`${cached.url} has no caller.`);
    const head = headOf(raw);
    const load = async (signal: AbortSignal) => {
      const ask = () => unary(message, { ...options, deadlineMs, signal });
      const answer = await places.during(route.method, principal, ask);
      const body = Buffer.from(reply.serializeInput(toJson(answer), '200') as string);
      return { body, etag: etagOf(answer['etag'], body) };
    };
    // Until it is known better.
    void reply.header('cache-status', 'rapport; fwd=miss');
    const { tenantId } = principal.caller;
    const key = cacheKey(principal.rights, raw.url ?? '');
    const notBefore = admission.notBefore(head, performance.now());
    const read = { route: cached, tenantId, key, message, leftMs: options.deadlineMs, notBefore };
    const { answer, status } = await cache.reads.read(read, load, options.signal);
    const now = performance.now();
    if (answer.refusal) {
      void reply.header('cache-status', cacheStatus(status, Math.ceil((answer.freshUntil - now) / 1_000)));
      throw answer.refusal;
    }
    reply.hijack();
    // The rest of a body that is not read would be taken for the next request.
    if (head.hasBody && !raw.complete) reply.raw.shouldKeepAlive = false;
    sendCached(reply.raw, answer, { head, principal, rate }, status, now);
    return reply;
  };
}

/** How long a client may take to read why its call was ended, in milliseconds. */
const lastWordMs = 1_000;

/** The call of a service that a request makes. It ends with its client, and a lasting one also when its caller loses rights. */
class RequestCall {
  readonly #end = new AbortController();
  readonly #open: OpenCall | undefined;
  #lastWord: NodeJS.Timeout | undefined;

  constructor({ raw, request }: FastifyReply, method: RestRoute['method'], openCalls: OpenCalls) {
    const { principal, headers } = request;
    raw.once('close', () => {
      clearTimeout(this.#lastWord);
      this.#open?.leave();
      if (!raw.writableFinished) this.#end.abort(clientGone());
    });
    if (!principal || headers.authorization === undefined || !isLasting(method)) return;
    this.#open = openCalls.enter({
      authorization: headers.authorization,
      principal,
      permission: method.policy.permission,
      end: (reason) => {
        this.#lastWord = setTimeout(() => raw.destroy(), lastWordMs);
        this.#end.abort(reason);
      },
    });
  }

  /** Its reason is an AppError. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Passes on no message before it is known that the caller may still have it. */
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
