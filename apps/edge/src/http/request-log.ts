import type { IncomingMessage } from 'node:http';
import {
  failSpan,
  isTracing,
  metrics,
  runInSpan,
  SpanKind,
  startTrace,
  type Caller,
  type Logger,
  type Span,
} from '@rapport/platform';
import type { FastifyInstance } from 'fastify';
import { Counter, Histogram } from 'prom-client';
import type { AnsweredRequest } from '../traffic/tenant-traffic.js';
import type { Traffic } from '../traffic/traffic.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a request that is traced. */
    span: Span | undefined;
    /** Of a read whose answer may be cached, once it has one. */
    cacheOutcome: AnsweredRequest['cache'];
    /** True when a rate, a limit of places or overload refused the request. */
    isShed: boolean;
  }
}

/** Probes come every few seconds, and their log lines have no value. */
const probes = new Set(['/livez', '/readyz']);

/** What is known of the requests of one operation. Answers are plain numbers, because cached ones are counted too. */
interface OperationFigures {
  /** By class of the HTTP status, such as `2xx`. */
  answers: Map<string, number>;
  observe: (seconds: number) => void;
}

const operations = new Map<string, OperationFigures>();

const durations = new Histogram({
  name: 'rapport_http_request_seconds',
  help: 'Time from the arrival of a request to the end of its answer, by operation. Uploads, downloads and streams are left out.',
  registers: [metrics],
  labelNames: ['operation'],
  // The objectives of docs/slo.md, and steps between them.
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.3, 0.5, 1, 2.5, 5, 10],
});

new Counter({
  name: 'rapport_http_requests_total',
  help: 'Answered requests by operation and class of the HTTP status.',
  registers: [metrics],
  labelNames: ['operation', 'status'],
  collect() {
    this.reset();
    for (const [operation, { answers }] of operations) {
      for (const [status, count] of answers) this.inc({ operation, status }, count);
    }
  },
});

/**
 * Writes a log line and a span for each answered request, and counts those of the contract. Both have the route's template: the actual
 * path may contain personal data.
 */
export function recordRequests(server: FastifyInstance, traffic: Traffic): void {
  if (isTracing()) traceRequests(server);
  server.decorateRequest('cacheOutcome');
  server.decorateRequest('isShed', false);
  server.addHook('onResponse', (request, reply, done) => {
    const { url = 'unknown', config } = request.routeOptions;
    const { statusCode: status, elapsedTime: durationMs } = reply;
    const caller = request.principal?.caller;
    if (config.route) {
      const { method, answerUsage, bodyUsage } = config.route;
      const isStream = answerUsage !== 'message' || bodyUsage === 'file';
      const latencyMs = isStream ? undefined : durationMs;
      countRequest(method.name, status, latencyMs);
      const { cacheOutcome: cache, isShed } = request;
      if (caller)
        traffic.watched.get(caller.tenantId)?.count({ operation: method.name, status, latencyMs, cache, isShed });
    }
    if (config.page) countRequest(config.page.method.name, status, durationMs);
    request.log.info(requestLine(request.method, url, status, durationMs, caller), 'request');
    done();
  });
}

/** A request that was answered ahead of the router. */
export interface EarlyAnswer {
  request: IncomingMessage;
  requestId: string;
  /** Id in the contract. */
  operation: string;
  /** Template. */
  route: string;
  status: number;
  /** By `performance.now()`. */
  startedAt: number;
  caller: Caller;
  cache: 'hit' | 'miss';
}

/** Returns what does the same for a request that was answered ahead of the router. */
export function earlyAnswerRecorder(logger: Logger, traffic: Traffic): (answer: EarlyAnswer) => void {
  const traces = isTracing();
  return ({ request, requestId, operation, route, status, startedAt, caller, cache }) => {
    const method = request.method ?? '';
    const durationMs = performance.now() - startedAt;
    countRequest(operation, status, durationMs);
    traffic.watched.get(caller.tenantId)?.count({ operation, status, latencyMs: durationMs, cache });
    const span = traces ? startRequest(request, method, route, startedAt) : undefined;
    if (span) endRequest(span, status);
    if (!logger.isLevelEnabled('info')) return;
    const traceId = span?.spanContext().traceId;
    const line = requestLine(method, route, status, durationMs, caller);
    logger.info({ requestId, traceId, ...line }, 'request');
  };
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

/**
 * Counts a request of an operation that was answered, from the cache, by its service, or as a refusal.
 *
 * @param operation its id in the contract
 * @param latencyMs undefined for uploads, downloads and streams, whose duration depends on the client
 */
function countRequest(operation: string, status: number, latencyMs: number | undefined): void {
  const { answers, observe } = figuresOf(operation);
  const statusClass = `${Math.floor(status / 100)}xx`;
  answers.set(statusClass, (answers.get(statusClass) ?? 0) + 1);
  if (latencyMs !== undefined) observe(latencyMs / 1_000);
}

function figuresOf(operation: string): OperationFigures {
  const known = operations.get(operation);
  if (known) return known;
  const series = durations.labels(operation);
  const figures = { answers: new Map<string, number>(), observe: (seconds: number) => series.observe(seconds) };
  operations.set(operation, figures);
  return figures;
}
