import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { ContractClient, type Contract, type ServiceCertificates } from '@rapport/contracts';
import { AppError, metrics } from '@rapport/platform';
import { Counter } from 'prom-client';
import { PeerBreaker } from './peer-breaker.js';
import { RetryBudget } from './retry-budget.js';

type CallOptions = Parameters<ContractClient['unary']>[2];

/** Longest waits before the second attempt and the third, in milliseconds. */
const retryAfterMs = [50, 200];

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

  /** @param service its area of the contract */
  constructor(
    private readonly service: string,
    address: string,
    services: readonly ServiceDefinition[],
    private readonly contract: Contract,
    certificates?: ServiceCertificates,
  ) {
    super(address, services, certificates && { certificates, serviceName: service });
    this.#breaker = new PeerBreaker(service);
  }

  override async unary(path: string, request: unknown, options: CallOptions): Promise<unknown> {
    const dueAt = Date.now() + options.deadlineMs;
    const waitsMs = this.#isRepeatable(path, request) ? retryAfterMs : [];
    for (let retry = 0; ; retry += 1) {
      try {
        const left = { ...options, deadlineMs: dueAt - Date.now() };
        return await this.#breaker.run(() => this.#attempt(path, request, left, retry));
      } catch (error) {
        const waitMs = Math.random() * (waitsMs[retry] ?? Infinity);
        if (!isUnreachable(error) || Date.now() + waitMs >= dueAt || !this.#budget.spend()) throw error;
        await delay(waitMs);
      }
    }
  }

  override async upload(path: string, requests: AsyncIterable<unknown>, options: CallOptions): Promise<unknown> {
    this.#breaker.refuseWhileOpen();
    return super.upload(path, requests, options);
  }

  override async *stream(path: string, request: unknown, options: CallOptions): AsyncGenerator<unknown, void> {
    this.#breaker.refuseWhileOpen();
    yield* super.stream(path, request, options);
  }

  async #attempt(path: string, request: unknown, options: CallOptions, retry: number): Promise<unknown> {
    if (retry === 0) this.#budget.earn();
    attempts.inc({ service: this.service, attempt: retry === 0 ? 'first' : 'retry' });
    try {
      return await super.unary(path, request, options);
    } catch (error) {
      // Otherwise it looks as if the service had ended the call.
      throw options.signal?.aborted ? new AppError('CANCELLED', 'CANCELLED', 'The client has gone.') : error;
    }
  }

  /** Whether the contract says so of the method, or the service knows a repetition by its key. */
  #isRepeatable(path: string, request: unknown): boolean {
    const { requestId } = request as { requestId?: string };
    return this.contract.method(path)?.policy.idempotent === true || Boolean(requestId);
  }
}

/** So the connection says, not the service. */
function isUnreachable(error: unknown): boolean {
  return error instanceof AppError && error.reason === 'SERVICE_UNAVAILABLE';
}
