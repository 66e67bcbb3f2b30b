import { setTimeout as delay } from 'node:timers/promises';

/** How often a call is sent that conflicts with others, which the story makes at the same time, and the pause between, at most. */
const mostTries = 5;
const longestPauseMs = 500;

/** Sends a call as one caller and returns its answer. A body that is text or bytes is sent unchanged. */
export type Api = <Answer = { id: string }>(method: string, path: string, body?: unknown) => Promise<Answer>;

/**
 * @param credential API key or access token
 * @throws Error with the problem, when a call is refused
 */
export function apiOf(url: string, credential: string, signal: AbortSignal): Api {
  return async <Answer>(method: string, path: string, body?: unknown) => {
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    for (let tries = 1; ; tries += 1) {
      const response = await fetch(url + path, {
        method,
        headers: {
          authorization: `Bearer ${credential}`,
          ...(body !== undefined && { 'content-type': raw ? 'text/csv' : 'application/json' }),
        },
        ...(body !== undefined && { body: raw ? body : JSON.stringify(body) }),
        signal,
      });
      const text = await response.text();
      if (response.ok) return (text === '' ? {} : JSON.parse(text)) as Answer;
      if (tries === mostTries || !text.includes('"CONCURRENT_WRITE"')) {
        throw new Error(`The demo was refused at ${method} ${path} (${response.status}): ${text}`);
      }
      await delay(Math.random() * longestPauseMs);
    }
  };
}
