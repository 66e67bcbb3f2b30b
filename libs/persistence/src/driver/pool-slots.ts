import { AppError, callContext, FairSlots } from '@rapport/platform';

/** The largest share of a pool's connections that one tenant holds, so that calls of other tenants always find one. */
const greatestShare = 0.6;

/** The key of background work that no call waits for. It takes turns like a tenant, and only the pool limits it. */
const platform = '';

/** How many times longer background work waits than a call: refused, it only begins anew. */
const backgroundPatience = 10;

/**
 * Shares the connections of a pool among tenants with running calls. Each tenant holds at most its share, and waiting
 * tenants take turns, however many calls each has in its queue.
 */
export class PoolSlots {
  readonly #slots: FairSlots;

  /**
   * @param max connections of the pool
   * @param timeoutMs longest wait; 0 for no limit
   */
  constructor(
    max: number,
    private readonly timeoutMs: number,
  ) {
    const share = Math.max(1, Math.floor(max * greatestShare));
    this.#slots = new FairSlots(max, (tenant) => (tenant === platform ? max : share));
  }

  /**
   * Waits for a connection slot of the current call's tenant.
   *
   * @returns a function that releases the slot
   * @throws Error pg-pool's own timeout error after `timeoutMs`, and ten times that for background work
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_CONCURRENT after half of `timeoutMs` if the tenant holds its full
   *   share
   * @throws AppError CANCELLED when the client of the call has gone
   */
  async enter(): Promise<() => void> {
    const { caller, gone } = callContext.getStore() ?? {};
    const tenant = gone && caller ? caller.tenantId : platform;
    if (!this.#slots.tryEnter(tenant)) await this.#wait(tenant, gone);
    return () => this.#slots.leave(tenant);
  }

  async #wait(tenant: string, gone?: AbortSignal): Promise<void> {
    const end = new AbortController();
    // pg-pool's text, which `isConnectionLoss` knows.
    const endOfTurn = () => end.abort(new Error('timeout exceeded when trying to connect'));
    const endOfShare = () => {
      if (this.#slots.isFull(tenant)) return end.abort(tooManyConcurrent());
      timer = setTimeout(endOfTurn, this.timeoutMs / 2);
    };
    let timer: NodeJS.Timeout | undefined;
    if (this.timeoutMs > 0) {
      timer =
        tenant === platform
          ? setTimeout(endOfTurn, this.timeoutMs * backgroundPatience)
          : setTimeout(endOfShare, this.timeoutMs / 2);
    }
    const leave = () => end.abort(clientGone());
    if (gone?.aborted) leave();
    gone?.addEventListener('abort', leave, { once: true });
    try {
      await this.#slots.enter(tenant, end.signal);
    } finally {
      clearTimeout(timer);
      gone?.removeEventListener('abort', leave);
    }
  }
}

/** The error of a call whose client no longer waits for the response. */
export function clientGone(): AppError {
  return new AppError('CANCELLED', 'CANCELLED', 'The client has gone.');
}

function tooManyConcurrent(): AppError {
  const message = 'This tenant has reached its limit of concurrent calls at the database. Try again.';
  return new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_CONCURRENT', message, { retryAfterSeconds: 1 });
}
