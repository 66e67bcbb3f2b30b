import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';

/** How long a client may take to send the headers of a request once the server closes, in milliseconds. */
const lastHeadersMs = 1_000;
/** Interval at which idle connections are closed, in milliseconds. */
const idleCheckMs = 100;

/**
 * Closes an HTTP or HTTPS server after it has answered its running requests.
 *
 * `server.close()` alone waits forever for a client that connects and sends nothing, or half a request: it stops the
 * check of `headersTimeout`. This function continues the check until the last connection has ended.
 */
export function closeServer(server: Server): Promise<void> {
  server.headersTimeout = lastHeadersMs;
  const closeIdle = () => afterReading(() => server.closeIdleConnections());
  closeIdle();
  const idleChecks = setInterval(closeIdle, idleCheckMs);
  return new Promise((resolve, reject) => {
    NetServer.prototype.close.call(server, (error) => {
      clearInterval(idleChecks);
      if (error) return reject(error);
      // Node's own interval for the check. Only this check is left at this point.
      server.close(() => resolve());
    });
  });
}

/**
 * Calls back once everything has been read that had arrived when it was called: a connection with an unread request would pass
 * for idle. The first immediate may run in this turn of the event loop, before it reads again.
 */
function afterReading(call: () => void): void {
  setImmediate(() => setImmediate(call));
}
