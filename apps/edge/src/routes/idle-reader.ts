import type { ServerResponse } from 'node:http';

/** How long a client may leave its answer unread, in milliseconds. */
const idleTimeoutMs = 60_000;

/**
 * Destroys the connection of a client that reads nothing of an answer for a while, after one to two times as long. A client
 * that reads steadily has no time limit, and a slow service disconnects no client. Node restarts the timeout whenever the
 * kernel takes a part of the written bytes, in steps of up to a third of its buffer: 1.4 MB of a buffer of 4 MB, so a
 * client of about 25 kB/s is certainly steady.
 */
export function cutOffIdleReader(response: ServerResponse, timeoutMs = idleTimeoutMs): void {
  response.setTimeout(timeoutMs, () => {
    if (response.writableLength > 0) response.destroy();
    else response.socket?.setTimeout(timeoutMs);
  });
}
