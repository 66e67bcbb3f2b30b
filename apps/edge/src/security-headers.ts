import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';

/**
 * The security headers of every answer but 304, names in lower case. They are the same for all, so helmet sets them once, on an
 * answer that nobody gets: run on each request it costs more than half of what an answer from memory does.
 */
export const securityHeaders: Readonly<Record<string, string>> = readSecurityHeaders();

function readSecurityHeaders(): Record<string, string> {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  const setHeaders = helmet({
    // The edge itself may be asked over plain HTTP; whoever ends TLS in front of it decides.
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
  });
  setHeaders(request, response, (error?: unknown) => {
    if (error) throw error as Error;
  });
  return Object.fromEntries(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]));
}
