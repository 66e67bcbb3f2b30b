import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** The header that an unsafe call's answer has, and that a read may bring back. */
export const tokenHeader = 'rapport-consistency-token';

const maxTokens = 50_000;
const maxLength = 64;

/**
 * Makes a read at least as new as a write, on whatever edge: the write's answer has a token, and a read that brings it gets
 * nothing whose load began before this edge first met the token. A token that this edge did not issue was met after its write was
 * acknowledged, so edges need neither to exchange tokens nor to share a clock.
 */
export class ConsistencyTokens {
  readonly #metAt = new LRUCache<string, number>({ max: maxTokens });

  /** A new token. Call it when the write is done. */
  issue(): string {
    const token = randomBytes(12).toString('base64url');
    this.#metAt.set(token, performance.now());
    return token;
  }

  /** When this edge first met a token. A token of another form is as good as one never met. */
  metAt(token: string): number {
    const known = this.#metAt.get(token);
    if (known !== undefined) return known;
    const now = performance.now();
    if (token.length <= maxLength) this.#metAt.set(token, now);
    return now;
  }
}
