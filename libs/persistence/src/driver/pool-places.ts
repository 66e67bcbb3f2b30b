import { AppError, callContext, FairPlaces } from '@rapport/platform';

/** The part of a pool's connections that the calls of one tenant hold at most: those of others always find one. */
const greatestShare = 0.6;

/** In the place of a tenant: work that no call waits for. It has its turn, and no bound but the pool's. */
const platform = '';

/**
 * The connections of a pool, shared among the tenants whose calls are being answered: each holds a part of them at most, and of
 * those that wait for one each tenant has its turn, however many calls of another wait.
 */
export class PoolPlaces {
  readonly #places: FairPlaces;

  /**
   * @param max connections of the pool
   * @param timeoutMs how long a call waits for one, 0 for ever
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
   * @throws Error as pg-pool has it when the time is over
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_CONCURRENT after half of the time while the tenant holds all of its part
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
    const leave = () => end.abort(new AppError('CANCELLED', 'CANCELLED', 'Nobody waits for the answer any longer.'));
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

function tooManyConcurrent(): AppError {
  const message = 'As many calls of this tenant as may be at the database at the same time are. Try again.';
  return new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_CONCURRENT', message, { retryAfterSeconds: 1 });
}
