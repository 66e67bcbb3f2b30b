import { createServer, type Server } from 'node:http';
import type { Readiness } from './readiness.js';

/**
 * Serves `/livez` (the process works) and `/readyz` (it should get work; 503 names what is missing) on a plain port of
 * its own, because probes can't do mutual TLS.
 */
export async function startHealthServer(port: number, readiness: Readiness): Promise<Server> {
  const server = createServer((request, response) => {
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

/** The answer to a probe. */
export async function answerProbe(
  url: string | undefined,
  readiness: Readiness,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const path = url?.split('?', 1)[0];
  if (path === '/livez') return { status: 200, body: { status: 'ok' } };
  if (path !== '/readyz') return { status: 404, body: { status: 'unknown path' } };
  const missing = await readiness.failures();
  return missing.length === 0
    ? { status: 200, body: { status: 'ok' } }
    : { status: 503, body: { status: 'unavailable', missing } };
}
