import type { ServerResponse } from 'node:http';

/** How long a client may leave unread what it is sent, in milliseconds. */
const idleTimeoutMs = 60_000;

/**
 * Destroys the connection of a client that reads nothing of an answer for a while, after one to two times as long. One
 * that reads steadily may take as long as it likes, and no connection is cut off for what the service has not sent yet. Node
 * starts the time again whenever the kernel takes a part of what is written, which it does in steps of up to a third of
 * its buffer: 1.4 MB where that is of 4 MB, so about 25 kB/s are steady for certain.
 */
export function cutOffIdleReader(response: ServerResponse, timeoutMs = idleTimeoutMs): void {
  response.setTimeout(timeoutMs, () => {
    if (response.writableLength > 0) response.destroy();
    else response.socket?.setTimeout(timeoutMs);
  });
}
