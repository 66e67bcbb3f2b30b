import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';

/**
 * The security headers of every answer but 304, names in lower case. They are the same for all, so helmet sets them once, on an
 * answer that nobody gets: run on each request it costs more than half of what an answer from memory does.
 *
 * @param isTls whether the edge itself speaks TLS; only then it asks clients to use nothing else (RFC 6797, section 7.2). Else
 *   whoever ends TLS in front of it decides.
 */
export function readSecurityHeaders(isTls: boolean): Readonly<Record<string, string>> {
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
