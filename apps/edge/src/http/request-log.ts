import type { IncomingMessage } from 'node:http';
import {
  failSpan,
  isTracing,
  runInSpan,
  SpanKind,
  startTrace,
  type Caller,
  type Logger,
  type Span,
} from '@rapport/platform';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a request that is traced. */
    span: Span | undefined;
  }
}

/** Probes come every few seconds, and their log lines have no value. */
const probes = new Set(['/livez', '/readyz']);

/**
 * Writes a log line and a span for each answered request. Both have the route's template: the actual path may contain
 * personal data.
 */
export function recordRequests(server: FastifyInstance): void {
  if (isTracing()) traceRequests(server);
  server.addHook('onResponse', (request, reply, done) => {
    const { url = 'unknown' } = request.routeOptions;
    const caller = request.principal?.caller;
    request.log.info(requestLine(request.method, url, reply.statusCode, reply.elapsedTime, caller), 'request');
    done();
  });
}

/** A request that was answered ahead of the router. */
export interface EarlyAnswer {
  request: IncomingMessage;
  requestId: string;
  /** Template. */
  route: string;
  status: number;
  /** By `performance.now()`. */
  startedAt: number;
  caller: Caller;
}

/** The same for a request that was answered ahead of the router. */
export function recordEarlyAnswer(logger: Logger, answer: EarlyAnswer): void {
  const { request, requestId, route, status, startedAt, caller } = answer;
  const method = request.method ?? '';
  const span = isTracing() ? startRequest(request, method, route, startedAt) : undefined;
  if (span) endRequest(span, status);
  if (!logger.isLevelEnabled('info')) return;
  const traceId = span?.spanContext().traceId;
  const line = requestLine(method, route, status, performance.now() - startedAt, caller);
  logger.info({ requestId, traceId, ...line }, 'request');
}

function requestLine(method: string, route: string, status: number, durationMs: number, caller: Caller | undefined) {
  return {
    method,
    route,
    status,
    durationMs: Math.round(durationMs * 10) / 10,
    tenantId: caller?.tenantId,
    principalId: caller?.principalId,
  };
}

/** Traces requests, and adds the id of the trace to their log lines. */
function traceRequests(server: FastifyInstance): void {
  server.decorateRequest('span');
  server.addHook('onRequest', (request, reply, done) => {
    const { method, routeOptions, raw } = request;
    const { url = '' } = routeOptions;
    const span = probes.has(url) ? undefined : startRequest(raw, method, url);
    request.span = span;
    if (!span) return done();
    request.log = reply.log = request.log.child({ traceId: span.spanContext().traceId });
    reply.raw.once('close', () => endRequest(span, reply.raw.statusCode));
    runInSpan(span, done);
  });
  // Reading a body switches to the context of its events.
  server.addHook('preValidation', (request, _reply, done) => runInSpan(request.span, done));
}

/** Names follow OpenTelemetry's semantic conventions. */
function startRequest(
  { headers }: IncomingMessage,
  method: string,
  route: string,
  startTime?: number,
): Span | undefined {
  const attributes = { 'http.request.method': method, ...(route && { 'http.route': route }) };
  const start = { kind: SpanKind.SERVER, attributes, ...(startTime !== undefined && { startTime }) };
  return startTrace(route ? `${method} ${route}` : method, start, headers['traceparent']?.toString());
}

function endRequest(span: Span, status: number): void {
  span.setAttribute('http.response.status_code', status);
  if (status >= 500) failSpan(span, String(status));
  span.end();
}
