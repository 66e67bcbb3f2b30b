import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isSoak, type Tenant } from '@rapport/testing';

/** The edge's deadline of a request, in milliseconds. */
export const requestDeadlineMs = 10_000;

/** Longest pause of a writer between two customers, in milliseconds: the short form shares the machine with other tests. */
const longestPauseMs = isSoak ? 200 : 2_000;

/** Refusals that a retrying client may get during a fault. */
const passing = new Set([409, 429, 503, 504]);

/**
 * Numbered writers that create one customer after the other, and retry each with its idempotency key, on any edge, until it
 * is acknowledged.
 */
export class NumberedWriters {
  /** The ids of the acknowledged customers, by name. */
  readonly acknowledged = new Map<string, string>();
  /** Wrong answers, and requests that did not end, each as a line. */
  readonly faults: string[] = [];
  /** Number of sent requests, and of those that were not acknowledged. */
  sent = 0;
  refused = 0;
  /** Duration of the slowest request, in milliseconds: at edges without a fault, and at those with one. */
  readonly longestMs = { working: 0, frozen: 0 };
  /** Number of acknowledged writes by edge. */
  readonly #acknowledgedBy = new Map<string, number>();
  /** Time of the last freeze by edge. */
  readonly #frozenUntil = new Map<string, number>();
  /** Time when the latest acknowledged request began. */
  #latestBegan = 0;
  readonly #edgeUrls: readonly string[];
  readonly #tenant: Tenant;
  readonly #graceMs: number;
  #isOver = false;
  readonly #running: Promise<unknown>;

  /** @param graceMs tolerance beyond the deadline of a request */
  constructor(edgeUrls: readonly string[], tenant: Tenant, writers: number, graceMs: number) {
    this.#edgeUrls = edgeUrls;
    this.#tenant = tenant;
    this.#graceMs = graceMs;
    this.#running = Promise.all(Array.from({ length: writers }, (_, writer) => this.#write(writer)));
  }

  /** Resolves when this many more are acknowledged. */
  async untilMore(count: number): Promise<void> {
    const wanted = this.acknowledged.size + count;
    // Polls a condition.
    while (this.acknowledged.size < wanted) await delay(10);
  }

  /** Whether a request is acknowledged that began after this time of `performance.now()`. */
  hasWrittenSince(time: number): boolean {
    return this.#latestBegan > time;
  }

  /** Starts a check: the returned function reports whether each edge has acknowledged a write since. */
  watchEdges(): () => boolean {
    const before = new Map(this.#acknowledgedBy);
    return () => this.#edgeUrls.every((edge) => (this.#acknowledgedBy.get(edge) ?? 0) > (before.get(edge) ?? 0));
  }

  /** Call it before a frozen edge resumes. */
  thaw(edgeUrl: string): void {
    this.#frozenUntil.set(edgeUrl, performance.now());
  }

  /** Resolves when the last write of each is acknowledged. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #write(writer: number): Promise<void> {
    for (let index = 0; !this.#isOver; index += 1) {
      const name = `writer ${writer} customer ${index}`;
      const key = randomUUID();
      let id: string | undefined;
      // The backoff of a client.
      while ((id = await this.#create(name, key)) === undefined) await delay(50 + Math.random() * 100);
      this.acknowledged.set(name, id);
      // Paces the load.
      await delay(Math.random() * longestPauseMs);
    }
  }

  /** The id, if it is acknowledged. */
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
        this.#latestBegan = Math.max(this.#latestBegan, startedAt);
        return (JSON.parse(text) as { id: string }).id;
      }
      if (!passing.has(answer.status)) this.faults.push(`${displayName}: ${answer.status} ${text}`);
    } catch (error) {
      // A broken connection: only the idempotency key settles whether the write was done.
      if ((error as Error).name === 'TimeoutError') this.faults.push(`${displayName}: no answer`);
    } finally {
      const edgeWas = startedAt < (this.#frozenUntil.get(edge) ?? 0) ? 'frozen' : 'working';
      this.longestMs[edgeWas] = Math.max(this.longestMs[edgeWas], Math.round(performance.now() - startedAt));
    }
    this.refused += 1;
    return undefined;
  }
}
