import { setTimeout as delay } from 'node:timers/promises';
import type { Tenant } from '@rapport/testing';

export interface LoadRequest {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
}

const probeEveryMs = 50;
/** Longer than a machine is ever too busy: an edge that is slow is not one that is away. */
const probeTimeoutMs = 30_000;
const lanes = 16;
/** Each lane rests after an answer, so that the load stays below what the machine can do. In milliseconds. */
const restMs = 20;

/** Sends requests to edges without a pause, as through a load balancer: to those whose probe says that they are ready. */
export class SteadyLoad {
  /** What went wrong, each as a line. */
  readonly failures: string[] = [];
  sent = 0;
  readonly #edgeUrls: readonly string[];
  readonly #tenant: Tenant;
  readonly #next: (index: number) => LoadRequest;
  #ready: string[];
  #isOver = false;
  readonly #running: Promise<unknown>;

  /** @param next makes the request of a number */
  constructor(edgeUrls: readonly string[], tenant: Tenant, next: (index: number) => LoadRequest) {
    this.#edgeUrls = edgeUrls;
    this.#tenant = tenant;
    this.#next = next;
    this.#ready = [...edgeUrls];
    this.#running = Promise.all([this.#probe(), ...Array.from({ length: lanes }, () => this.#send())]);
  }

  /** Ends when so many requests are answered at least. */
  async until(requests: number): Promise<void> {
    // Polls a condition.
    while (this.sent < requests) await delay(restMs);
  }

  /** Ends when requests are sent to an edge. */
  async untilReady(edgeUrl: string): Promise<void> {
    // Polls a condition.
    while (!this.#ready.includes(edgeUrl)) await delay(probeEveryMs);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #probe(): Promise<void> {
    while (!this.#isOver) {
      const answers = await Promise.all(this.#edgeUrls.map(isReady));
      this.#ready = this.#edgeUrls.filter((_, index) => answers[index]);
      // Paces the probes.
      await delay(probeEveryMs);
    }
  }

  async #send(): Promise<void> {
    while (!this.#isOver) {
      const request = this.#next(this.sent++);
      const edge = this.#ready[Math.floor(Math.random() * this.#ready.length)];
      const outcome = edge === undefined ? 'no edge is ready' : await this.#outcome(edge, request);
      if (outcome !== undefined) this.failures.push(`${request.method} ${request.path}: ${outcome}`);
      // Paces the load.
      await delay(restMs);
    }
  }

  /** Undefined when it was answered. */
  async #outcome(edge: string, { method, path, headers, body }: LoadRequest): Promise<string | undefined> {
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
      return answer.ok ? undefined : `${answer.status} ${text}`;
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
