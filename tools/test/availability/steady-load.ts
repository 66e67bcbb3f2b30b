import { setTimeout as delay } from 'node:timers/promises';
import { isSoak, type Tenant } from '@rapport/testing';

export interface LoadRequest {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** Called with the body of a successful answer. */
  onAnswer?: (body: unknown) => void;
}

const probeEveryMs = 50;
/** Longer than any machine is busy: a slow edge is not down. */
const probeTimeoutMs = 30_000;
const workers = 16;
/** Pause of each worker after an answer, in milliseconds: the short form shares the machine with other tests. */
const restMs = isSoak ? 20 : 150;

/** Sends requests to the ready edges all the time, as a load balancer does. */
export class SteadyLoad {
  /** Failures, each as a line. */
  readonly failures: string[] = [];
  sent = 0;
  readonly #tenant: Tenant;
  readonly #next: (index: number) => LoadRequest;
  readonly #ready: Set<string>;
  #isOver = false;
  readonly #running: Promise<unknown>;

  /** @param next creates the request of a number */
  constructor(edgeUrls: readonly string[], tenant: Tenant, next: (index: number) => LoadRequest) {
    this.#tenant = tenant;
    this.#next = next;
    this.#ready = new Set(edgeUrls);
    const probes = edgeUrls.map((edgeUrl) => this.#probe(edgeUrl));
    this.#running = Promise.all([...probes, ...Array.from({ length: workers }, () => this.#send())]);
  }

  /** Resolves when at least this many requests are answered. */
  async until(requests: number): Promise<void> {
    // Polls a condition.
    while (this.sent < requests) await delay(restMs);
  }

  /** Resolves when requests are sent to an edge. */
  async untilReady(edgeUrl: string): Promise<void> {
    // Polls a condition.
    while (!this.#ready.has(edgeUrl)) await delay(probeEveryMs);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  /** Each edge by itself: one that is busy starting does not hide that another is about to stop. */
  async #probe(edgeUrl: string): Promise<void> {
    while (!this.#isOver) {
      if (await isReady(edgeUrl)) this.#ready.add(edgeUrl);
      else this.#ready.delete(edgeUrl);
      // Paces the probes.
      await delay(probeEveryMs);
    }
  }

  async #send(): Promise<void> {
    while (!this.#isOver) {
      const request = this.#next(this.sent++);
      const edge = [...this.#ready][Math.floor(Math.random() * this.#ready.size)];
      const outcome = edge === undefined ? 'no edge is ready' : await this.#outcome(edge, request);
      if (outcome !== undefined) this.failures.push(`${request.method} ${request.path}: ${outcome}`);
      // Paces the load.
      await delay(restMs);
    }
  }

  /** Undefined on success. */
  async #outcome(edge: string, { method, path, headers, body, onAnswer }: LoadRequest): Promise<string | undefined> {
    try {
      const answer = await fetch(edge + path, {
        method,
        headers: {
          authorization: `Bearer ${this.#tenant.apiKey}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!answer.ok) return `${answer.status} ${text}`;
      onAnswer?.(JSON.parse(text));
      return undefined;
    } catch (error) {
      return String((error as Error).cause ?? error);
    }
  }
}

async function isReady(edgeUrl: string): Promise<boolean> {
  try {
    return (await fetch(`${edgeUrl}/readyz`, { signal: AbortSignal.timeout(probeTimeoutMs) })).ok;
  } catch {
    return false;
  }
}
