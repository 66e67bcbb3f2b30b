import { createServer, type Server, type ServerResponse } from 'node:http';
import { metrics } from '../logging/metrics.js';
import type { Readiness } from '../readiness.js';

/**
 * Serves `/livez` (the process works), `/readyz` (the process accepts work; names failing checks) and `/metrics` on a
 * plain port of its own, because probes can't do mutual TLS.
 */
export async function startHealthServer(port: number, readiness: Readiness): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url?.split('?', 1)[0] === '/metrics') return void writeMetrics(response);
    void answerProbe(request.url, readiness).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 8_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
  return server;
}

async function writeMetrics(response: ServerResponse): Promise<void> {
  const [status, body] = await metrics.metrics().then(
    (text) => [200, text] as const,
    () => [500, ''] as const,
  );
  response.writeHead(status, { 'content-type': metrics.contentType }).end(body);
}

/** The response to a probe. */
export async function answerProbe(
  url: string | undefined,
  readiness: Readiness,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const path = url?.split('?', 1)[0];
  if (path === '/livez') return { status: 200, body: { status: 'ok' } };
  if (path !== '/readyz') return { status: 404, body: { status: 'unknown path' } };
  const { isReady, missing } = await readiness.state();
  if (missing.length === 0) return { status: 200, body: { status: 'ok' } };
  return isReady
    ? { status: 200, body: { status: 'degraded', missing } }
    : { status: 503, body: { status: 'unavailable', missing } };
}
