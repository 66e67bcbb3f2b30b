import type { IncomingMessage, ServerResponse } from 'node:http';
import { costOf, type RestRoute } from '@rapport/contracts';
import { allows, AppError, isTracing, type Logger, permissionMissing } from '@rapport/platform';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { clientGone } from '../calls/call-ends.js';
import type { AnswerEarly } from '../http/bounded-server.js';
import { cacheKey } from '../cache/answer-store.js';
import { sendCached, type Receiver } from '../cache/cached-answer.js';
import type { AskedRead, CachedReads } from '../cache/cached-reads.js';
import type { CachedRoute } from '../cache/cached-route.js';
import type { EdgeCache } from '../cache/edge-cache.js';
import type { Read } from '../cache/read-cache.js';
import type { Limits } from '../limits/limits.js';
import type { RateHeaders } from '../limits/rate-limits.js';
import { clientOf, headOf, type RequestHead } from '../http/request-head.js';
import { earlyAnswerRecorder, type EarlyAnswer } from '../http/request-log.js';
import type { Traffic } from '../traffic/traffic.js';
import type { Denials } from './denials.js';
import type { Authenticator, Principal } from './authenticator.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Absent on methods that need no credential. */
    principal: Principal | undefined;
    /** What is left of its budgets. Absent where nothing is charged to a principal. */
    rate: RateHeaders | undefined;
    /** Called when the service has answered: the time after that depends on the client. */
    answered: (() => void) | undefined;
    /** Gives the place of the call back; calling it again does nothing. */
    leave: (() => void) | undefined;
  }
  interface FastifyContextConfig {
    /** The contract's route, on every route that has one. */
    route?: RestRoute;
    /** Set on a route whose answers are cached. Its reads take a place only while the service is asked. */
    cached?: CachedRoute | undefined;
  }
}

export interface AdmissionParts {
  authenticator: Authenticator;
  limits: Limits;
  cache: Pick<EdgeCache, 'answers' | 'tokens'>;
  reads: CachedReads;
  denials: Denials;
  traffic: Traffic;
  /** Where a request comes from: see `addressReader`. */
  addressOf: (request: IncomingMessage) => string;
  logger: Logger;
}

/** A read that is answered ahead of the router, or passed on to it. Times are those of `performance.now()`. */
interface EarlyRead extends Receiver {
  request: IncomingMessage;
  response: ServerResponse;
  route: () => void;
  startedAt: number;
  /** See `Admission.notBefore`. */
  notBefore: number;
}

/**
 * The rules by which a request of the contract is served: the caller, its rate, its rights and its place, and how old
 * its answer may be. A read of a known caller whose answer may be cached is answered ahead of the router, from memory or by its
 * service, by the same rules. The router answers every refusal, also one by the service. Nothing is charged or asked twice.
 */
export class Admission {
  readonly #charges = new WeakMap<IncomingMessage, Promise<RateHeaders>>();
  /** Results of early reads that the router still has to answer, by request. */
  readonly #outcomes = new WeakMap<IncomingMessage, Promise<Read>>();
  readonly #isTracing = isTracing();
  readonly #recordAnswer: (answer: EarlyAnswer) => void;

  constructor(private readonly parts: AdmissionParts) {
    this.#recordAnswer = earlyAnswerRecorder(parts.logger, parts.traffic);
  }

  /** Answers a read, or else calls `route`. */
  readonly answerEarly: AnswerEarly = (request, response, route) => {
    const startedAt = performance.now();
    const { method, url = '' } = request;
    if (method !== 'GET' && method !== 'HEAD') return route();
    const head = headOf(request);
    if (head.refusal || head.hasBody || head.expectsContinue) return route();
    const principal = this.parts.authenticator.known(head.authorization);
    if (!principal) return route();
    const notBefore = this.notBefore(head, startedAt);
    const find = (now: number) =>
      this.parts.cache.answers.find(principal.caller.tenantId, cacheKey(principal, url), now, notBefore);
    const answer = find(startedAt);
    const asked = answer ? undefined : this.#find(request);
    const found = answer?.route ?? asked?.route;
    if (!found || !mayCall(principal, found.permission)) return route();
    const go = (rate: RateHeaders, now: number) => {
      if (response.closed) return route();
      const early = { request, response, route, head, principal, rate, startedAt, notBefore };
      if (asked) return this.#forward(asked, early);
      // It may have been written meanwhile.
      if (!answer || (now !== startedAt && find(now) !== answer)) return route();
      this.#record(early, found, sendCached(response, answer, early, { kind: 'hit' }, now), 'hit');
    };
    const charge = this.#charge(request, principal, found.cost);
    if (!(charge instanceof Promise)) return go(charge, startedAt);
    charge.then((rate) => go(rate, performance.now()), route);
  };

  /** A traced read has its span from the router. */
  #find({ method, url = '' }: IncomingMessage): AskedRead | undefined {
    return method !== 'GET' || this.#isTracing ? undefined : this.parts.reads.find(url);
  }

  /** Answers a read with its service's answer, or else calls `route`. */
  #forward(asked: AskedRead, early: EarlyRead): void {
    const { request, response, route, head, principal, rate, startedAt, notBefore } = early;
    const outcome = this.parts.reads.read(asked, {
      head,
      principal,
      url: request.url ?? '',
      client: clientOf({ ip: this.parts.addressOf(request), headers: request.headers }),
      response,
      notBefore,
      elapsedMs: performance.now() - startedAt,
    });
    const goOn = () => {
      this.#charges.set(request, Promise.resolve(rate));
      this.#outcomes.set(request, outcome);
      route();
    };
    outcome.then(({ answer, status }) => {
      if (answer.refusal) return goOn();
      const sent = sendCached(response, answer, early, status, performance.now());
      this.#record(early, asked.route, sent, status.kind === 'hit' ? 'hit' : 'miss');
    }, goOn);
  }

  /** The result of a read that was forwarded ahead of the router and that the router still has to answer. */
  outcomeOf(request: IncomingMessage): Promise<Read> | undefined {
    return this.#outcomes.get(request);
  }

  /** Checks every request of a scope before its body is read, and takes its place before it is processed. */
  register(scope: FastifyInstance): void {
    scope.decorateRequest('principal');
    scope.decorateRequest('rate');
    scope.decorateRequest('answered');
    scope.decorateRequest('leave');
    scope.addHook('onRequest', (request, reply) => this.#admit(request, reply));
    // The body is there: a slow sender takes no place from others, and is no sign of a slow service.
    scope.addHook('preHandler', async (request, reply) => {
      // No event `close` would end a call that begins now, or give its place back.
      if (reply.raw.closed) throw clientGone();
      if (!request.routeOptions.config.cached) this.#enter(request, reply);
    });
    scope.addHook('onSend', (request, reply, _payload, done) => {
      request.answered?.();
      // A refused upload gives its place back at once, while its body is drained.
      if (reply.statusCode >= 400) request.leave?.();
      done();
    });
  }

  /**
   * How old an answer may be: no load may have begun before this time, by `performance.now()`. -Infinity when any age is good. A
   * request with `no-cache` or `max-age=0` wants one that is loaded now (RFC 9111, section 5.2.1).
   */
  notBefore({ cacheControl, consistencyToken }: RequestHead, now: number): number {
    if (cacheControl !== undefined && /\b(no-cache|no-store|max-age=0)\b/i.test(cacheControl)) return now;
    // Only for known principals: anonymous requests must not evict the consistency tokens of others.
    return consistencyToken === undefined ? -Infinity : this.parts.cache.tokens.firstSeenAt(consistencyToken);
  }

  /** Denies by default: a route without a contract has no caller to serve. */
  async #admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { route } = request.routeOptions.config;
    if (!route) throw new Error(`${request.routeOptions.url} is in no contract.`);
    const { method } = route;
    if (method.policy.public) return this.#admitPublic(request, reply, route);
    const principal = await this.#identify(request);
    request.principal = principal;
    request.rate = await this.#charge(request.raw, principal, costOf(method));
    void reply.headers({ ...request.rate });
    // After the charge: callers without the permission pay too, or their requests would be unlimited.
    if (mayCall(principal, method.policy.permission)) return;
    const permission = permissionOf(request, method.policy.permission);
    const { tenantId, principalId } = principal.caller;
    const denial = { tenantId, principalId, permission, method: method.path, requestId: request.id };
    this.parts.denials.note({ ...denial, ...clientOf(request) });
    throw permissionMissing(permission);
  }

  async #identify(request: FastifyRequest): Promise<Principal> {
    const { authenticator, limits } = this.parts;
    const { authorization } = headOf(request.raw);
    const known = authenticator.known(authorization);
    if (known) return known;
    try {
      return await authenticator.authenticate(authorization, request.id, clientOf(request));
    } catch (error) {
      const isAnonymous = error instanceof AppError && error.reason === 'CREDENTIAL_MISSING';
      const limited = isAnonymous ? limits.addresses.charge(request.ip, 1) : undefined;
      throw limited ?? error;
    }
  }

  /**
   * A public call is charged to its address. One that a service proves by the secret of an owner is charged to a budget of its owner
   * instead, and addresses from which too many come without proof are refused.
   */
  async #admitPublic(request: FastifyRequest, reply: FastifyReply, route: RestRoute): Promise<void> {
    const { limits } = this.parts;
    const cost = costOf(route.method);
    if (route.provenBy === undefined) {
      const limited = limits.addresses.charge(request.ip, cost);
      if (limited) throw limited;
      return;
    }
    // It is not known yet whether there is such an owner, for example a connection.
    const owner = encodeURIComponent((request.params as Record<string, string>)[route.provenBy] ?? '');
    const end = limits.provenCalls.enter(request.ip, owner);
    // A client that does not wait for the answer could try without end.
    reply.raw.once('close', () => {
      if (reply.raw.writableFinished) end(reply.raw.statusCode);
    });
    void reply.headers({ ...(await limits.rates.chargeOwner(owner, cost)) });
  }

  /** The place is given back when the answer has been sent, or its client has gone: streams and uploads keep theirs until they end. */
  #enter(request: FastifyRequest, reply: FastifyReply): void {
    const { route } = request.routeOptions.config;
    if (!route) return;
    const { places } = this.parts.limits;
    request.leave = places.enter(route.method, request.principal);
    if (route.answerUsage === 'message') request.answered = places.watch(route.method);
    reply.raw.once('close', () => {
      request.answered?.();
      request.leave?.();
    });
  }

  /** Once for a request, on whichever path. */
  #charge(request: IncomingMessage, principal: Principal, cost: number): RateHeaders | Promise<RateHeaders> {
    const made = this.#charges.get(request);
    if (made) return made;
    const charge = this.parts.limits.rates.charge(principal, cost);
    if (charge instanceof Promise) this.#charges.set(request, charge);
    return charge;
  }

  #record(early: EarlyRead, { url, route }: CachedRoute, status: number, cache: 'hit' | 'miss'): void {
    const { request, head, startedAt } = early;
    const { caller } = early.principal;
    const { requestId } = head;
    const operation = route.method.name;
    this.#recordAnswer({ request, requestId, operation, route: url, status, startedAt, caller, cache });
  }
}

/** What the request needs, such as `objects.car.read`: the path says what the variable of a permission stands for. */
function permissionOf({ params }: FastifyRequest, permission: string): string {
  return permission.replace(/\{(\w+)\}/, (variable, name: string) => {
    const value = (params as Readonly<Record<string, string | undefined>>)[name] ?? '';
    // The path is not validated yet.
    return /^[a-z][a-z0-9_]{0,59}$/.test(value) ? value : variable;
  });
}

function mayCall({ caller }: Principal, permission: string): boolean {
  return allows(caller.permissions, permission);
}
