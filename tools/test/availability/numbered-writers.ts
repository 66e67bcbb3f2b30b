import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Tenant } from '@rapport/testing';

/** How long the edge takes at most for a request, and what a machine that is busy may take besides, in milliseconds. */
const deadlineMs = 10_000;
const graceMs = 10_000;

/** What a client that tries again may be told while something is broken. */
const passing = new Set([409, 503, 504]);

/**
 * Writers, each with a number, that create one customer after the other, and try each again with its idempotency key, on any
 * edge, until it is acknowledged.
 */
export class NumberedWriters {
  /** By name, the id of each customer that a writer was told was created. */
  readonly acknowledged = new Map<string, string>();
  /** Answers that nobody should get, and requests that did not end, each as a line. */
  readonly faults: string[] = [];
  longestMs = 0;
  readonly #edgeUrls: readonly string[];
  readonly #tenant: Tenant;
  #isOver = false;
  readonly #running: Promise<unknown>;

  constructor(edgeUrls: readonly string[], tenant: Tenant, writers: number) {
    this.#edgeUrls = edgeUrls;
    this.#tenant = tenant;
    this.#running = Promise.all(Array.from({ length: writers }, (_, writer) => this.#write(writer)));
  }

  /** Ends when so many more are acknowledged. */
  async untilMore(count: number): Promise<void> {
    const wanted = this.acknowledged.size + count;
    while (this.acknowledged.size < wanted) await delay(10);
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
      while ((id = await this.#create(name, key)) === undefined) await delay(50 + Math.random() * 100);
      this.acknowledged.set(name, id);
      await delay(Math.random() * 200);
    }
  }

  /** The id, when it is acknowledged. */
  async #create(displayName: string, key: string): Promise<string | undefined> {
    const edge = this.#edgeUrls[Math.floor(Math.random() * this.#edgeUrls.length)] ?? '';
    const startedAt = performance.now();
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
        signal: AbortSignal.timeout(deadlineMs + graceMs),
      });
      const text = await answer.text();
      if (answer.status === 201) return (JSON.parse(text) as { id: string }).id;
      if (!passing.has(answer.status)) this.faults.push(`${displayName}: ${answer.status} ${text}`);
    } catch (error) {
      // A connection that broke: whether it was done, only the key tells.
      if ((error as Error).name === 'TimeoutError') this.faults.push(`${displayName}: no answer`);
    } finally {
      this.longestMs = Math.max(this.longestMs, performance.now() - startedAt);
    }
    return undefined;
  }
}
