import { AppError, metrics } from '@rapport/platform';
import { BrokenCircuitError, circuitBreaker, CircuitState, handleWhen, SamplingBreaker } from 'cockatiel';
import { Gauge } from 'prom-client';

/** How long nothing is asked of a peer before one call tries it, in milliseconds. */
const restMs = 1_000;

/**
 * So many of the calls of so long must have failed, of at least ten. Of two replicas the one that answers keeps its share of
 * calls below it.
 */
const opening = { threshold: 0.8, duration: 2_000, minimumRps: 5 };

/** What the connection says of a peer, and none of its own answers. */
const failures = new Set(['SERVICE_UNAVAILABLE', 'DEADLINE_EXCEEDED']);

const state = new Gauge({
  name: 'rapport_breaker_state',
  help: 'Whether calls of a service are made: 0 all of them, 1 none, 2 one that tries.',
  registers: [metrics],
  labelNames: ['service'],
});

/** Stops calls of a peer that does not answer, so that nobody waits for it, and lets one a second find out whether it does again. */
export class PeerBreaker {
  readonly #policy = circuitBreaker(
    handleWhen((error) => this.#isFailure(error)),
    { halfOpenAfter: restMs, breaker: new SamplingBreaker(opening) },
  );

  constructor(service: string) {
    state.set({ service }, CircuitState.Closed);
    this.#policy.onStateChange((changed) => state.set({ service }, changed));
  }

  /** @throws CallStopped without a call while it is stopped; what the call throws */
  async run<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    // cockatiel has others wait for the one that tries, which a frozen peer holds until its deadline.
    if (this.#policy.state === CircuitState.HalfOpen) throw new CallStopped();
    try {
      return await this.#policy.execute(call);
    } catch (error) {
      throw error instanceof BrokenCircuitError ? new CallStopped() : error;
    }
  }

  /** A call that its client gave up tells nothing, which is not enough for one that tries. */
  #isFailure(error: unknown): boolean {
    if (!(error instanceof AppError)) return false;
    const isGivenUp = error.code === 'CANCELLED' && this.#policy.state === CircuitState.HalfOpen;
    return isGivenUp || failures.has(error.reason);
  }

  /**
   * For calls that can't be the one that tries: streams, which say nothing of the peer, and calls that last, for whose answer
   * everybody else would wait.
   *
   * @param probe tries in their place, and is short
   * @throws CallStopped
   */
  async admit(probe: () => Promise<void>): Promise<void> {
    if (this.#policy.state === CircuitState.Closed) return;
    await this.run(probe).catch(() => {
      throw new CallStopped();
    });
  }
}

/** UNAVAILABLE SERVICE_UNAVAILABLE of a call that was not made. */
export class CallStopped extends AppError {
  constructor() {
    super('UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'A service can not be reached. Try again.', { retryAfterSeconds: 1 });
  }
}
