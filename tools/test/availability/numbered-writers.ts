import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Tenant } from '@rapport/testing';

/** How long the edge takes at most for a request, in milliseconds. */
export const requestDeadlineMs = 10_000;

/** What a client that tries again may be told while something is broken. */
const passing = new Set([409, 429, 503, 504]);

/**
 * Writers, each with a number, that create one customer after the other, and try each again with its idempotency key, on any
 * edge, until it is acknowledged.
 */
export class NumberedWriters {
  /** By name, the id of each customer that a writer was told was created. */
  readonly acknowledged = new Map<string, string>();
  /** Answers that nobody should get, and requests that did not end, each as a line. */
  readonly faults: string[] = [];
  /** Requests that were sent, and those of them that were not acknowledged. */
  sent = 0;
  refused = 0;
  /** How long the slowest request took, in milliseconds: at edges that worked all the time, and at those that did not. */
  readonly longestMs = { working: 0, frozen: 0 };
  /** By edge, how many it has acknowledged. */
  readonly #acknowledgedBy = new Map<string, number>();
  /** By edge, when it was frozen last. */
  readonly #frozenUntil = new Map<string, number>();
  readonly #edgeUrls: readonly string[];
  readonly #tenant: Tenant;
  readonly #graceMs: number;
  #isOver = false;
  readonly #running: Promise<unknown>;

  /** @param graceMs what a busy machine may take beyond the deadline of a request */
  constructor(edgeUrls: readonly string[], tenant: Tenant, writers: number, graceMs: number) {
    this.#edgeUrls = edgeUrls;
    this.#tenant = tenant;
    this.#graceMs = graceMs;
    this.#running = Promise.all(Array.from({ length: writers }, (_, writer) => this.#write(writer)));
  }

  /** Ends when so many more are acknowledged. */
  async untilMore(count: number): Promise<void> {
    const wanted = this.acknowledged.size + count;
    // Polls a condition.
    while (this.acknowledged.size < wanted) await delay(10);
  }

  /** From now on, tells whether each edge has acknowledged one. */
  watchEdges(): () => boolean {
    const before = new Map(this.#acknowledgedBy);
    return () => this.#edgeUrls.every((edge) => (this.#acknowledgedBy.get(edge) ?? 0) > (before.get(edge) ?? 0));
  }

  /** To be called before a frozen edge goes on. */
  thaw(edgeUrl: string): void {
    this.#frozenUntil.set(edgeUrl, performance.now());
  }

  /** Ends when each has been told of its last one. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #write(writer: number): Promise<void> {
    for (let index = 0; !this.#isOver; index += 1) {
      const name = `writer ${writer} customer ${index}`;
      const key = randomUUID();
      let id: string | undefined;
      // As a client backs off.
      while ((id = await this.#create(name, key)) === undefined) await delay(50 + Math.random() * 100);
      this.acknowledged.set(name, id);
      // Paces the load.
      await delay(Math.random() * 200);
    }
  }

  /** The id, when it is acknowledged. */
  async #create(displayName: string, key: string): Promise<string | undefined> {
    const edge = this.#edgeUrls[Math.floor(Math.random() * this.#edgeUrls.length)] ?? '';
    const startedAt = performance.now();
    this.sent += 1;
    try {
      const answer = await fetch(`${edge}/v1/customers`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${this.#tenant.apiKey}`,
          'content-type': 'application/json',
          'idempotency-key': key,
        },
        body: JSON.stringify({
          kind: 'COMPANY',
          displayName,
          emails: [{ address: `${displayName.replaceAll(' ', '.')}@example.com` }],
        }),
        signal: AbortSignal.timeout(requestDeadlineMs + this.#graceMs),
      });
      const text = await answer.text();
      if (answer.status === 201) {
        this.#acknowledgedBy.set(edge, (this.#acknowledgedBy.get(edge) ?? 0) + 1);
        return (JSON.parse(text) as { id: string }).id;
      }
      if (!passing.has(answer.status)) this.faults.push(`${displayName}: ${answer.status} ${text}`);
    } catch (error) {
      // A connection that broke: whether it was done, only the key tells.
      if ((error as Error).name === 'TimeoutError') this.faults.push(`${displayName}: no answer`);
    } finally {
      const edgeWas = startedAt < (this.#frozenUntil.get(edge) ?? 0) ? 'frozen' : 'working';
      this.longestMs[edgeWas] = Math.max(this.longestMs[edgeWas], Math.round(performance.now() - startedAt));
    }
    this.refused += 1;
    return undefined;
  }
}
