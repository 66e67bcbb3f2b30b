import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceDefinition } from '@grpc/grpc-js';
import {
  ContractClient,
  hadNoConnection,
  type AnswerForm,
  type Contract,
  type EncodedAnswer,
  type RestRoute,
  type ServiceCertificates,
} from '@rapport/contracts';
import { AppError, metrics } from '@rapport/platform';
import { Counter, Gauge } from 'prom-client';
import { endOf } from './call-ends.js';

type CallOptions = Parameters<ContractClient['unary']>[2];
type Method = Pick<RestRoute['method'], 'policy' | 'requestStream' | 'responseStream'>;

/** Longest waits before the second attempt and the third, in milliseconds. */
const retryAfterMs = [50, 200];
/** Deadline of a probe, in milliseconds. */
const probeMs = 2_000;
/** How long a request may take when the contract does not say, in milliseconds. */
const defaultDeadlineMs = 10_000;
/** Part of each deadline, in milliseconds, that the edge reserves for answering that a service took too long. */
const answerMs = 250;

/** How long a service may take for a new request, in milliseconds. */
export function requestDeadlineMs({ policy }: Pick<Method, 'policy'>): number {
  return (policy.deadlineMs || defaultDeadlineMs) - answerMs;
}

/** Whether calls of a method may take long: streams in either direction, and methods with a longer deadline than usual. */
export function isLasting({ policy, requestStream, responseStream }: Method): boolean {
  return requestStream || responseStream || policy.deadlineMs > defaultDeadlineMs;
}

const attempts = new Counter({
  name: 'rapport_attempts_total',
  help: 'Attempts to call a method without streams, by service: the first of a call, and those after one that failed.',
  registers: [metrics],
  labelNames: ['service', 'attempt'],
});

/**
 * Calls the methods of one service. Retries happen in this layer only, since those of several layers multiply: when the
 * service could not be reached, which may also mean that its answer was lost, and a repetition of the call has no further
 * effect. An answer of the service is never retried: it retries conflicts of transactions and lost connections of its
 * database itself. gRPC's retries by service config do not know idempotency keys. ContractClient already repeats calls that
 * no service has received.
 */
export class PeerClient extends ContractClient {
  readonly #breaker: PeerBreaker;
  readonly #budget = new RetryBudget();
  /** Paths of methods whose calls may take long. */
  readonly #lasting: ReadonlySet<string>;
  readonly #probe = () => this.checkAnswers(probeMs);
  readonly #attempts: { first: Counter.Internal; retry: Counter.Internal };

  /** @param service its area of the contract */
  constructor(
    service: string,
    address: string,
    services: readonly ServiceDefinition[],
    contract: Contract,
    certificates?: ServiceCertificates,
  ) {
    super(address, services, certificates && { certificates, serviceName: service }, contract);
    this.#breaker = new PeerBreaker(service);
    this.#lasting = new Set(contract.methods.filter(isLasting).map(({ path }) => path));
    const counted = (attempt: string) => attempts.labels({ service, attempt });
    this.#attempts = { first: counted('first'), retry: counted('retry') };
  }

  get breakerState(): BreakerState {
    return this.#breaker.state;
  }

  /** Rejects when a call would be stopped or find no connection within `timeoutMs`. */
  override async waitUntilReady(timeoutMs: number): Promise<void> {
    await super.waitUntilReady(timeoutMs);
    await this.#breaker.admit(this.#probe);
  }

  protected override async call(
    path: string,
    request: unknown,
    options: CallOptions,
    form: AnswerForm,
  ): Promise<EncodedAnswer> {
    const { signal } = options;
    const dueAt = Date.now() + options.deadlineMs;
    const isLastingCall = this.#lasting.has(path);
    for (let retry = 0; ; retry += 1) {
      try {
        if (isLastingCall) await this.#breaker.admit(this.#probe);
        if (retry === 0) this.#budget.earn();
        this.#attempts[retry === 0 ? 'first' : 'retry'].inc();
        const left = retry === 0 ? options : { ...options, deadlineMs: dueAt - Date.now() };
        return await this.#breaker.run(() => super.call(path, request, left, form).catch(throwAsOutage), signal);
      } catch (error) {
        const longestMs = this.#isRepeatable(path, request) ? retryAfterMs[retry] : undefined;
        if (longestMs === undefined || !isWorthRetry(error)) throw error;
        const waitMs = Math.random() * longestMs;
        if (Date.now() + waitMs >= dueAt || !this.#budget.spend()) throw error;
        await delay(waitMs, undefined, { signal }).catch(() => undefined);
        if (signal?.aborted) throw endOf(signal);
      }
    }
  }

  override async upload(path: string, requests: AsyncIterable<unknown>, options: CallOptions): Promise<unknown> {
    await this.#breaker.admit(this.#probe);
    try {
      return await super.upload(path, requests, options);
    } catch (error) {
      throw orEndOf(options.signal, asOutage(error));
    }
  }

  override async *stream(path: string, request: unknown, options: CallOptions): AsyncGenerator<unknown, void> {
    await this.#breaker.admit(this.#probe);
    try {
      yield* super.stream(path, request, options);
    } catch (error) {
      throw orEndOf(options.signal, asOutage(error));
    }
  }

  /** Whether the method is idempotent by contract, or the request has an idempotency key. */
  #isRepeatable(path: string, request: unknown): boolean {
    const { requestId } = request as { requestId?: string };
    return this.contract.method(path)?.policy.idempotent === true || Boolean(requestId);
  }
}

/**
 * A service that can not verify the principal of a call has another clock than auth, or lacks its key. The caller's credential is
 * valid: with 401 clients would give it up.
 */
function asOutage(error: unknown): unknown {
  const isRefused =
    error instanceof AppError && error.code === 'UNAUTHENTICATED' && error.reason.startsWith('PRINCIPAL_');
  if (!isRefused) return error;
  const message = 'A service can not be reached. Try again.';
  return new AppError('UNAVAILABLE', 'SERVICE_UNAVAILABLE', message, { cause: error, retryAfterSeconds: 1 });
}

function throwAsOutage(error: unknown): never {
  throw asOutage(error);
}

/** The reason of a call that was ended from this side, which would otherwise look like an error of the service. */
function orEndOf(signal: AbortSignal | undefined, error: unknown): unknown {
  return signal?.aborted ? endOf(signal) : error;
}

/**
 * Whether an attempt failed because the service could not be reached. A call that the breaker stopped is no attempt and
 * must not cost the budget, and a call without a connection has already waited for one.
 */
function isWorthRetry(error: unknown): boolean {
  if (!(error instanceof AppError) || error.reason !== 'SERVICE_UNAVAILABLE') return false;
  return !(error instanceof CallStopped) && !hadNoConnection(error);
}

/** Retries that each call adds to the budget, and the most that the budget holds. */
const perCall = 0.1;
const mostSaved = 5;

/**
 * The retry budget: one retry for ten calls, and a few after a quiet time. It keeps retries from multiplying the load of a
 * service that is down or overloaded. Source: gRFC A6, retry throttling.
 */
class RetryBudget {
  #saved = mostSaved;

  /** Adds a call. */
  earn(): void {
    this.#saved = Math.min(mostSaved, this.#saved + perCall);
  }

  /** Pays for a retry. @returns false when there is none left */
  spend(): boolean {
    if (this.#saved < 1) return false;
    this.#saved -= 1;
    return true;
  }
}

/** How long the breaker stays open before one call probes the peer, in milliseconds. */
const restMs = 1_000;
/**
 * The breaker opens when more than this part of the calls within this time has failed, of at least ten. With two replicas,
 * the healthy one keeps the part below it. Calls are counted in windows.
 */
const opening = { threshold: 0.8, ofMs: 2_000, windowMs: 400, fewest: 10 };
/** Reasons of errors that come from the connection to a peer. Errors that the peer answers do not count. */
const failures = new Set(['SERVICE_UNAVAILABLE', 'DEADLINE_EXCEEDED']);

const breakerState = new Gauge({
  name: 'rapport_breaker_state',
  help: 'State of the circuit breaker of a service: 0 closed, 1 open, 2 half open.',
  registers: [metrics],
  labelNames: ['service'],
});
const states = { closed: 0, open: 1, halfOpen: 2 };
export type BreakerState = keyof typeof states;

/**
 * A circuit breaker: stops calls to a peer that does not answer, so that no request waits for it. One call a second probes
 * it, and no other waits for that one, as with cockatiel.
 */
class PeerBreaker {
  #state: BreakerState = 'closed';
  #openedAt = 0;
  /** Recent calls while it is closed, by window: the newest is the last. */
  #windows: { startedAt: number; answered: number; failed: number }[] = [];

  constructor(private readonly service: string) {
    this.#become('closed');
  }

  get state(): BreakerState {
    return this.#state;
  }

  /**
   * @param signal ends the call from this side: then its reason is thrown, and the outcome does not count
   * @throws CallStopped without a call while it is stopped; what the call throws
   */
  async run<Answer>(call: () => Promise<Answer>, signal?: AbortSignal): Promise<Answer> {
    const isTry = this.#state === 'open' && performance.now() - this.#openedAt >= restMs;
    if (isTry) this.#become('halfOpen');
    else if (this.#state !== 'closed') throw new CallStopped();
    try {
      const answer = await call();
      this.#note(isTry, false);
      return answer;
    } catch (failure) {
      const error = orEndOf(signal, failure);
      this.#note(isTry, isFailure(error, isTry));
      throw error;
    }
  }

  /**
   * For calls that must not be the probe: streams, whose outcome does not count, and long calls, because all others would
   * wait for their answer.
   *
   * @param probe a short call to probe with in their place
   * @throws CallStopped
   */
  async admit(probe: () => Promise<void>): Promise<void> {
    if (this.#state === 'closed') return;
    await this.run(probe).catch(() => {
      throw new CallStopped();
    });
  }

  #note(isTry: boolean, hasFailed: boolean): void {
    if (isTry) return this.#become(hasFailed ? 'open' : 'closed');
    // The call began before the breaker opened.
    if (this.#state !== 'closed') return;
    const now = performance.now();
    let window = this.#windows.at(-1);
    if (!window || now - window.startedAt >= opening.windowMs) {
      window = { startedAt: now, answered: 0, failed: 0 };
      this.#windows = [...this.#windows.filter(({ startedAt }) => now - startedAt < opening.ofMs), window];
    }
    window[hasFailed ? 'failed' : 'answered'] += 1;
    if (hasFailed && this.#isPeerDown()) this.#become('open');
  }

  #isPeerDown(): boolean {
    const failed = this.#windows.reduce((sum, window) => sum + window.failed, 0);
    const total = this.#windows.reduce((sum, window) => sum + window.answered, failed);
    return total >= opening.fewest && failed > opening.threshold * total;
  }

  #become(state: BreakerState): void {
    this.#state = state;
    if (state === 'open') this.#openedAt = performance.now();
    if (state === 'closed') this.#windows = [];
    breakerState.set({ service: this.service }, states[state]);
  }
}

/** A call that its client cancelled does not count, except as the probe: the peer has not answered it. */
function isFailure(error: unknown, isTry: boolean): boolean {
  if (!(error instanceof AppError)) return false;
  return failures.has(error.reason) || (isTry && error.code === 'CANCELLED');
}

/** UNAVAILABLE SERVICE_UNAVAILABLE of a call that was not made. */
class CallStopped extends AppError {
  constructor() {
    super('UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'A service can not be reached. Try again.', { retryAfterSeconds: 1 });
  }
}
