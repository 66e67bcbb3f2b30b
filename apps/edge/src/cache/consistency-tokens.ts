import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** The response header of unsafe calls, which a later read may send. */
export const tokenHeader = 'rapport-consistency-token';

const maxTokens = 50_000;
const maxLength = 64;

/**
 * Read-your-writes across edges: the answer of a write has a token, and a read with that token gets no answer whose load
 * began before this edge first received the token. This edge receives a token of another edge after its write was
 * acknowledged, so edges need neither exchange tokens nor share a clock.
 */
export class ConsistencyTokens {
  readonly #firstSeenAt = new LRUCache<string, number>({ max: maxTokens });

  /** A new token. Call it when the write is done. */
  issue(): string {
    const token = randomBytes(12).toString('base64url');
    this.#firstSeenAt.set(token, performance.now());
    return token;
  }

  /** When this edge first received a token. A malformed token counts as a new one. */
  firstSeenAt(token: string): number {
    const known = this.#firstSeenAt.get(token);
    if (known !== undefined) return known;
    const now = performance.now();
    if (token.length <= maxLength) this.#firstSeenAt.set(token, now);
    return now;
  }
}
