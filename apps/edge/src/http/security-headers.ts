import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import helmet from 'helmet';

/** Names in lower case, and values. */
export type SecurityHeaders = Readonly<Record<string, string>>;

/**
 * The security headers of every answer except pages and 304: those that apply to JSON, files and streams. A browser that shows such
 * an answer as a document runs no script of it and loads nothing.
 *
 * @param isTls whether the edge itself speaks TLS; only then it sends Strict-Transport-Security (RFC 6797, section 7.2).
 *   Else the proxy that terminates TLS decides.
 */
export function apiHeaders(isTls: boolean): SecurityHeaders {
  return {
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    ...(isTls && { 'strict-transport-security': 'max-age=31536000; includeSubDomains' }),
  };
}

/**
 * Adds the headers of pages, all that helmet sets, to every answer of a scope, problems included.
 *
 * @param own in place of those that helmet sets
 */
export function sendPages(scope: FastifyInstance, isTls: boolean, own: SecurityHeaders = {}): void {
  const headers = { ...pageHeaders(isTls), ...own };
  scope.addHook('onRequest', (_request, reply, done) => {
    void reply.headers(headers);
    done();
  });
}

/** Helmet sets them once, on an answer that is never sent: they are the same for all pages. */
export function pageHeaders(isTls: boolean): SecurityHeaders {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  const setHeaders = helmet({
    strictTransportSecurity: isTls,
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: isTls ? [] : null } },
  });
  setHeaders(request, response, (error?: unknown) => {
    if (error) throw error as Error;
  });
  return Object.fromEntries(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]));
}
