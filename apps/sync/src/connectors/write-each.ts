import { ConnectorError } from './connector-error.js';
import type { WriteItem, WriteResult } from './connector.js';

/** Delay when a peer does not give one. */
const defaultRetryAfterMs = 30_000;

/**
 * Writes items one by one. When the peer refuses further requests, the remaining items are to be retried, and the
 * written ones keep their results.
 *
 * @throws the reason of `signal`, and any other error of the first item
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
