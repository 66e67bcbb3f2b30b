import { AppError, callContext, FairPlaces } from '@rapport/platform';

/** The part of a pool's connections that the calls of one tenant hold at most: those of others always find one. */
const greatestShare = 0.6;

/** Stands in for the tenant of work that no call waits for. It takes its turn like a tenant, and is limited by the pool only. */
const platform = '';

/**
 * Shares the connections of a pool among the tenants whose calls are being answered. Each tenant holds at most a part of them, and
 * tenants that wait for one take turns, however many calls another tenant has waiting.
 */
export class PoolPlaces {
  readonly #places: FairPlaces;

  /**
   * @param max connections of the pool
   * @param timeoutMs longest wait for one; 0 for no limit
   */
  constructor(
    max: number,
    private readonly timeoutMs: number,
  ) {
    const share = Math.max(1, Math.floor(max * greatestShare));
    this.#places = new FairPlaces(max, (tenant) => (tenant === platform ? max : share));
  }

  /**
   * Waits for a place of the tenant whose call is being answered.
   *
   * @returns gives the place back
   * @throws Error pg-pool's own timeout error after `timeoutMs`
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_CONCURRENT after half of `timeoutMs` if the tenant holds all of its part
   * @throws AppError CANCELLED once the client of the call has gone
   */
  async enter(): Promise<() => void> {
    const { caller, gone } = callContext.getStore() ?? {};
    const tenant = gone && caller ? caller.tenantId : platform;
    if (!this.#places.tryEnter(tenant)) await this.#wait(tenant, gone);
    return () => this.#places.leave(tenant);
  }

  async #wait(tenant: string, gone?: AbortSignal): Promise<void> {
    const end = new AbortController();
    // As pg-pool says it, which `isConnectionLoss` knows.
    const endOfTurn = () => end.abort(new Error('timeout exceeded when trying to connect'));
    const endOfShare = () => {
      if (this.#places.isFull(tenant)) return end.abort(tooManyConcurrent());
      timer = setTimeout(endOfTurn, this.timeoutMs / 2);
    };
    let timer = this.timeoutMs > 0 ? setTimeout(endOfShare, this.timeoutMs / 2) : undefined;
    const leave = () => end.abort(clientGone());
    if (gone?.aborted) leave();
    gone?.addEventListener('abort', leave, { once: true });
    try {
      await this.#places.enter(tenant, end.signal);
    } finally {
      clearTimeout(timer);
      gone?.removeEventListener('abort', leave);
    }
  }
}

/** What a call fails with once its client no longer waits for the answer. */
export function clientGone(): AppError {
  return new AppError('CANCELLED', 'CANCELLED', 'The client has gone.');
}

function tooManyConcurrent(): AppError {
  const message = 'This tenant has reached its limit of concurrent calls at the database. Try again.';
  return new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_CONCURRENT', message, { retryAfterSeconds: 1 });
}
