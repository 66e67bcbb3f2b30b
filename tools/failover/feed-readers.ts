import { setTimeout as delay } from 'node:timers/promises';
import type { Tenant } from '@rapport/testing';

interface Page {
  changes: { recordId: string; operation: string }[];
  nextCursor: string;
}

/** Refusals that a reader may get during a fault. An expired cursor is 409. */
const passing = new Set([429, 503, 504]);
const waitSeconds = 2;
const longestMs = 60_000;

/** Readers of the created customers of a tenant, each from its own cursor on. */
export class FeedReaders {
  /** The ids that each has read, in the order of the feed. */
  readonly read: string[][];
  /** Wrong answers, and requests that did not end, each as a line. */
  readonly faults: string[] = [];
  refused = 0;
  readonly #edgeUrl: string;
  readonly #tenant: Tenant;
  #isOver = false;
  readonly #running: Promise<unknown>;

  constructor(edgeUrl: string, tenant: Tenant, count: number) {
    this.#edgeUrl = edgeUrl;
    this.#tenant = tenant;
    this.read = Array.from({ length: count }, () => []);
    this.#running = Promise.all(this.read.map((ids) => this.#readAll(ids)));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #readAll(ids: string[]): Promise<void> {
    let cursor: string | undefined;
    while (!this.#isOver) {
      const page = await this.#page(cursor);
      if (page) {
        ids.push(...page.changes.map(({ recordId }) => recordId));
        cursor = page.nextCursor;
      } else {
        this.refused += 1;
        // The backoff of a client.
        await delay(100);
      }
    }
  }

  /** Undefined when the request is refused. */
  async #page(cursor: string | undefined): Promise<Page | undefined> {
    const query = new URLSearchParams({ types: 'customer', waitSeconds: String(waitSeconds), pageSize: '1000' });
    if (cursor !== undefined) query.set('cursor', cursor);
    try {
      const answer = await fetch(`${this.#edgeUrl}/v1/changes?${query.toString()}`, {
        headers: { authorization: `Bearer ${this.#tenant.apiKey}` },
        signal: AbortSignal.timeout(longestMs),
      });
      const text = await answer.text();
      if (answer.ok) return JSON.parse(text) as Page;
      if (!passing.has(answer.status)) this.faults.push(`changes: ${answer.status} ${text}`);
    } catch (error) {
      this.faults.push(`changes: ${String((error as Error).cause ?? error)}`);
    }
    return undefined;
  }
}
