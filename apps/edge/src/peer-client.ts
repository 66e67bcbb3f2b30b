import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { ContractClient, hadNoConnection, type Contract, type ServiceCertificates } from '@rapport/contracts';
import { AppError, metrics } from '@rapport/platform';
import { Counter } from 'prom-client';
import { endOf } from './call-ends.js';
import { isLasting } from './lasting-calls.js';
import { CallStopped, PeerBreaker } from './peer-breaker.js';
import { RetryBudget } from './retry-budget.js';

type CallOptions = Parameters<ContractClient['unary']>[2];

/** Longest waits before the second attempt and the third, in milliseconds. */
const retryAfterMs = [50, 200];
/** How long the service has to answer when it is only to be known whether it does, in milliseconds. */
const probeMs = 2_000;

const attempts = new Counter({
  name: 'rapport_attempts_total',
  help: 'Attempts to call a method without streams, by service: the first of a call, and those after one that failed.',
  registers: [metrics],
  labelNames: ['service', 'attempt'],
});

/**
 * Calls the methods of one service. Here, and nowhere else on the way to it, a call is tried again: when the service could not
 * be reached, which may also mean that its answer was lost, and the call has no further effect when it is repeated. What no
 * service has seen is made again before that, by ContractClient.
 */
export class PeerClient extends ContractClient {
  readonly #breaker: PeerBreaker;
  readonly #budget = new RetryBudget();
  readonly #probe = () => this.checkAnswers(probeMs);

  /** @param service its area of the contract */
  constructor(
    private readonly service: string,
    address: string,
    services: readonly ServiceDefinition[],
    contract: Contract,
    certificates?: ServiceCertificates,
  ) {
    super(address, services, certificates && { certificates, serviceName: service }, contract);
    this.#breaker = new PeerBreaker(service);
  }

  /** Rejects when a call would be stopped or find no connection within `timeoutMs`. */
  override async waitUntilReady(timeoutMs: number): Promise<void> {
    await super.waitUntilReady(timeoutMs);
    await this.#breaker.admit(this.#probe);
  }

  override async unary(path: string, request: unknown, options: CallOptions): Promise<unknown> {
    const dueAt = Date.now() + options.deadlineMs;
    const waitsMs = this.#isRepeatable(path, request) ? retryAfterMs : [];
    const method = this.contract.method(path);
    for (let retry = 0; ; retry += 1) {
      try {
        if (method && isLasting(method)) await this.#breaker.admit(this.#probe);
        const left = { ...options, deadlineMs: dueAt - Date.now() };
        return await this.#breaker.run(() => this.#attempt(path, request, left, retry));
      } catch (error) {
        const longestMs = waitsMs[retry];
        if (longestMs === undefined || !isWorthRetry(error)) throw error;
        const waitMs = Math.random() * longestMs;
        if (Date.now() + waitMs >= dueAt || !this.#budget.spend()) throw error;
        await delay(waitMs, undefined, { signal: options.signal }).catch(() => undefined);
        if (options.signal?.aborted) throw endOf(options.signal);
      }
    }
  }

  override async upload(path: string, requests: AsyncIterable<unknown>, options: CallOptions): Promise<unknown> {
    await this.#breaker.admit(this.#probe);
    try {
      return await super.upload(path, requests, options);
    } catch (error) {
      throw orEndOf(options.signal, error);
    }
  }

  override async *stream(path: string, request: unknown, options: CallOptions): AsyncGenerator<unknown, void> {
    await this.#breaker.admit(this.#probe);
    try {
      yield* super.stream(path, request, options);
    } catch (error) {
      throw orEndOf(options.signal, error);
    }
  }

  async #attempt(path: string, request: unknown, options: CallOptions, retry: number): Promise<unknown> {
    if (retry === 0) this.#budget.earn();
    attempts.inc({ service: this.service, attempt: retry === 0 ? 'first' : 'retry' });
    try {
      return await super.unary(path, request, options);
    } catch (error) {
      throw orEndOf(options.signal, error);
    }
  }

  /** Whether the contract says so of the method, or the service knows a repetition by its key. */
  #isRepeatable(path: string, request: unknown): boolean {
    const { requestId } = request as { requestId?: string };
    return this.contract.method(path)?.policy.idempotent === true || Boolean(requestId);
  }
}

/** Of a call that was ended from this side, why; otherwise it looks as if the service had ended it. */
function orEndOf(signal: AbortSignal | undefined, error: unknown): unknown {
  return signal?.aborted ? endOf(signal) : error;
}

/**
 * Whether the service could not be reached, by a call that was made. One that the breaker stopped was no attempt and must not cost the
 * budget, and one without a connection has waited for it.
 */
function isWorthRetry(error: unknown): boolean {
  if (!(error instanceof AppError) || error.reason !== 'SERVICE_UNAVAILABLE') return false;
  return !(error instanceof CallStopped) && !hadNoConnection(error);
}
