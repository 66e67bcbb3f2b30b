import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';

/** How long a client may take for the headers of a request once the server closes, in milliseconds. */
const lastHeadersMs = 1_000;
/** How often connections that have become idle are ended, in milliseconds. */
const idleCheckMs = 100;

/**
 * Closes an HTTP or HTTPS server when its running requests are answered.
 *
 * `server.close()` itself waits without end for a client that connects and sends nothing, or half a request: it stops what
 * checks `headersTimeout`. Here that goes on, until the last connection has ended.
 */
export function closeServer(server: Server): Promise<void> {
  server.headersTimeout = lastHeadersMs;
  server.closeIdleConnections();
  const idleChecks = setInterval(() => server.closeIdleConnections(), idleCheckMs);
  return new Promise((resolve, reject) => {
    NetServer.prototype.close.call(server, (error) => {
      clearInterval(idleChecks);
      if (error) return reject(error);
      // Node's own, for the checks. It has nothing else left to do, and says so.
      server.close(() => resolve());
    });
  });
}
