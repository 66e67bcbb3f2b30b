import type { ServerResponse } from 'node:http';

/** Calls `then` when a response is sent or its client disconnects, or at once if that has already happened. */
export function whenClosed(response: ServerResponse, then: () => void): void {
  if (response.closed) then();
  else response.once('close', then);
}
