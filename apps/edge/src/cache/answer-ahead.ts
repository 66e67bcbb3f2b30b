import type { IncomingMessage, ServerResponse } from 'node:http';
import { isTracing, type Logger } from '@rapport/platform';
import type { Authenticator, Principal } from '../authenticator.js';
import { corsHeaders } from '../cors/cors-headers.js';
import type { Limits } from '../limits/limits.js';
import type { RateHeaders } from '../limits/rate-headers.js';
import { requestId } from '../request-id.js';
import { requestLine } from '../request-log.js';
import { traceAnswered } from '../request-trace.js';
import { readAheadHeaders, type AheadHeaders } from './ahead-headers.js';
import { answerHeaders, type CacheStatus } from './answer-headers.js';
import type { Charges } from './charges.js';
import type { ConsistencyTokens } from './consistency-tokens.js';
import { notBefore } from './directives.js';
import { hasCurrent } from './entity-tag.js';
import type { KeptAnswer } from './kept-answer.js';
import { cacheKey, type ReadCache } from './read-cache.js';

/** Answers a request, or hands it to the ordinary path. */
export type AnswerAhead = (request: IncomingMessage, response: ServerResponse, passOn: () => void) => void;

export interface AheadParts {
  cache: ReadCache;
  authenticator: Authenticator;
  limits: Limits;
  charges: Charges;
  tokens: ConsistencyTokens;
  /** On every answer but 304. */
  securityHeaders: Readonly<Record<string, string>>;
  logger: Logger;
}

/**
 * Answers from memory, ahead of the framework, after every check that the ordinary path makes: one Host, credential,
 * permission, rate. Whatever is unusual, or refused, is answered on the ordinary path, so it is answered the same.
 */
export function createAnswerAhead(parts: AheadParts): AnswerAhead {
  const { cache, charges, limits, tokens } = parts;
  const contentHeaders = [
    ...Object.entries(parts.securityHeaders).flat(),
    'content-type',
    'application/json; charset=utf-8',
  ];
  return (request, response, passOn) => {
    const startedAt = performance.now();
    const { method, url = '' } = request;
    if (method !== 'GET' && method !== 'HEAD') return passOn();
    const headers = readAheadHeaders(request.rawHeaders);
    if (!headers) return passOn();
    const principal = parts.authenticator.known(headers.authorization);
    if (!principal) return passOn();
    // After authentication: anonymous requests must not evict the consistency tokens of others.
    const oldest = notBefore(headers.cacheControl, headers.token, tokens, startedAt);
    const kept = findKept(cache, principal, url, startedAt, oldest);
    if (!kept) return passOn();
    const answer = (rate: RateHeaders, now: number) =>
      send({ request, response, headers, contentHeaders, kept, principal, rate, startedAt, now }, parts.logger);
    let rate: RateHeaders | Promise<RateHeaders>;
    try {
      rate = limits.charge(principal, kept.route.cost);
    } catch (error) {
      charges.refused(request, error);
      return passOn();
    }
    if (!(rate instanceof Promise)) return answer(rate, startedAt);
    rate.then(
      (paid) => {
        const now = performance.now();
        // It may have been written meanwhile.
        if (cache.find(principal.caller.tenantId, cacheKey(principal.rights, url), now, oldest) === kept) {
          return answer(paid, now);
        }
        charges.paid(request, paid);
        passOn();
      },
      (error: unknown) => {
        charges.refused(request, error);
        passOn();
      },
    );
  };
}

function findKept(
  cache: ReadCache,
  { caller: { tenantId, permissions }, rights }: Principal,
  url: string,
  now: number,
  oldest: number,
): KeptAnswer | undefined {
  const kept = cache.find(tenantId, cacheKey(rights, url), now, oldest);
  return kept && permissions.includes(kept.route.permission) ? kept : undefined;
}

const hit: CacheStatus = { kind: 'hit' };

interface Answer {
  request: IncomingMessage;
  response: ServerResponse;
  headers: AheadHeaders;
  /** Those that every answer with content has. */
  contentHeaders: readonly string[];
  kept: KeptAnswer;
  principal: Principal;
  rate: RateHeaders;
  startedAt: number;
  now: number;
}

function send(answer: Answer, logger: Logger): void {
  const { request, response, headers, contentHeaders, kept, principal, rate, startedAt, now } = answer;
  const id = requestId(headers.requestId);
  const isCurrent = headers.ifNoneMatch !== undefined && hasCurrent(headers.ifNoneMatch, kept.etag);
  const shared = answerHeaders(kept, hit, now);
  const { 'ratelimit-policy': policy, ratelimit } = rate;
  const cors = corsHeaders(principal, headers.origin);
  const own = ['x-request-id', id, 'ratelimit-policy', policy, 'ratelimit', ratelimit, ...cors];
  const status = isCurrent ? 304 : 200;
  // Literals: to concatenate takes twice the time.
  if (isCurrent) response.writeHead(status, [...shared, ...own]).end();
  else {
    const length = String(kept.contentLength);
    const lines = [...contentHeaders, ...shared, ...own, 'content-length', length];
    response.writeHead(status, lines).end(kept.content, 'latin1');
  }
  const traceId = isTracing() ? traceAnswered(request, kept.route.url, status, startedAt) : undefined;
  if (!logger.isLevelEnabled('info')) return;
  logger.info(
    {
      requestId: id,
      traceId,
      ...requestLine(request.method ?? '', kept.route.url, status, performance.now() - startedAt, principal.caller),
    },
    'request',
  );
}
