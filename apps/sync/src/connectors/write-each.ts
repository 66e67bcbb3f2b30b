import { ConnectorError } from './connector-error.js';
import type { WriteItem, WriteResult } from './connector.js';

/** When a peer does not say when to come back. */
const defaultRetryAfterMs = 30_000;

/**
 * Writes items one by one. Once the peer takes no more, the rest is for later, and what is done keeps its results.
 *
 * @throws the reason of `signal`, and any other error that the first item meets
 */
export async function writeEach(
  items: WriteItem[],
  signal: AbortSignal,
  writeOne: (item: WriteItem) => Promise<WriteResult>,
): Promise<WriteResult[]> {
  const results: WriteResult[] = [];
  for (const item of items) {
    signal.throwIfAborted();
    try {
      results.push(await writeOne(item));
    } catch (error) {
      const passes = error instanceof ConnectorError && ['RATE_LIMITED', 'UNAVAILABLE'].includes(error.reason);
      if (!(error instanceof ConnectorError) || (!passes && results.length === 0)) throw error;
      const retryAfterMs = error.retryAfterMs ?? defaultRetryAfterMs;
      return items.map((_, index) => results[index] ?? { kind: 'RETRY_LATER', retryAfterMs });
    }
  }
  return results;
}
