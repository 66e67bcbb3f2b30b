import { createServer, type RequestListener, type Server } from 'node:http';
import { AppError } from '@rapport/platform';
import { toProblem } from './problem.js';
import { headOf } from './request-head.js';
import { apiHeaders } from './security-headers.js';
import { answerUnreadableRequests } from './unreadable-requests.js';

/**
 * Redirects requests over plain HTTP to the same path of `origin`, with their method and body (308). The origin comes from
 * the configuration, because a client can send any Host line.
 *
 * @param origin such as `https://api.example.com`
 * @param consoleOrigin for requests of its host
 */
export async function startRedirectServer(
  port: number,
  host: string,
  origin: string,
  consoleOrigin = origin,
): Promise<Server> {
  const consoleHost = new URL(consoleOrigin).hostname;
  const limits = {
    headersTimeout: 5_000,
    requestTimeout: 8_000,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: 16_384,
    requireHostHeader: false,
  };
  const securityHeaders = apiHeaders(false);
  const redirect: RequestListener = (request, response) => {
    const { url = '' } = request;
    // The body is not read, so no other request can follow.
    response.setHeader('connection', 'close');
    const target = request.headers.host?.replace(/:\d+$/, '') === consoleHost ? consoleOrigin : origin;
    if (url.startsWith('/')) return void response.writeHead(308, { location: target + url }).end();
    const id = headOf(request).requestId;
    const malformed = new AppError('INVALID_ARGUMENT', 'REQUEST_MALFORMED', 'The URL is no path.');
    const body = JSON.stringify(toProblem(malformed, id));
    const ofBody = { 'content-type': 'application/problem+json; charset=utf-8', 'content-length': body.length };
    response.writeHead(400, { ...securityHeaders, 'x-request-id': id, ...ofBody }).end(body);
  };
  const server = createServer(limits, redirect);
  server.on('checkExpectation', redirect);
  answerUnreadableRequests(server, { securityHeaders });
  server.maxConnections = 1_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return server;
}
