import type { IncomingMessage } from 'node:http';
import { failSpan, isTracing, runInSpan, SpanKind, startTrace, type Span } from '@rapport/platform';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a request that is traced. */
    span: Span | undefined;
  }
}

/** They come every few seconds, and tell nothing. */
const probes = new Set(['/livez', '/readyz']);

/**
 * Makes a span of each request on the ordinary path, and has its log lines name the trace. It is named by the route's
 * template: what a client typed may be personal.
 */
export function traceRequests(server: FastifyInstance): void {
  if (!isTracing()) return;
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
  // Where a body was read its events have brought another context along.
  server.addHook('preValidation', (request, _reply, done) => runInSpan(request.span, done));
}

/**
 * Makes the span of a request that was answered ahead of the framework.
 *
 * @param startedAt by `performance.now()`
 * @returns the trace's id, for the log; undefined when it is not traced
 */
export function traceAnswered(
  request: IncomingMessage,
  route: string,
  status: number,
  startedAt: number,
): string | undefined {
  const span = startRequest(request, request.method ?? '', route, startedAt);
  if (span) endRequest(span, status);
  return span?.spanContext().traceId;
}

/** Names are those of OpenTelemetry's semantic conventions. */
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
