import { AppError, callContext, FairSlots } from '@rapport/platform';

/**
 * The largest share of a pool's connections that one tenant holds, so that calls of other tenants always find one; and of those
 * for writes, so that a tenant whose commits wait can still read.
 */
const greatestShare = 0.6;

/**
 * The share of a pool's connections that only reads hold. Commits that wait for a standby hold theirs for seconds: reads
 * must find one.
 */
const readShare = 0.25;

/**
 * The largest share that scans of one tenant hold: each keeps a processor of the database busy, for seconds in a large
 * tenant. Its other calls go on beside them.
 */
const scanShare = 0.3;

/** The key of work that counts for no tenant. It takes turns like a tenant, and only the pool limits it. */
const platform = '';

/** How many times longer background work waits than a call: refused, it only begins anew. */
const backgroundPatience = 3;

/**
 * Shares the connections of a pool among tenants with running calls. Each tenant holds at most its share, and waiting
 * tenants take turns, however many calls each has in its queue. Some connections are for reads only.
 */
export class PoolSlots {
  readonly #all: FairSlots;
  /** What calls that may write, and background work, hold of `#all`. */
  readonly #writing: FairSlots;
  /** What scans hold of the others. */
  readonly #scanning: FairSlots;

  /**
   * @param max connections of the pool
   * @param timeoutMs longest wait
   */
  constructor(
    max: number,
    private readonly timeoutMs: number,
  ) {
    this.#all = slotsFor(max);
    this.#writing = slotsFor(max - Math.floor(max * readShare));
    this.#scanning = slotsFor(max, scanShare);
  }

  /**
   * Waits for a connection slot of the current call's tenant.
   *
   * @returns a function that releases the slot
   * @throws Error pg-pool's own timeout error after `timeoutMs`, and three times that for background work
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_CONCURRENT after half of `timeoutMs` if the tenant holds its full
   *   share
   * @throws AppError CANCELLED when the client of the call has gone
   */
  async enter(): Promise<() => void> {
    const { caller, gone, isRead = false, isScan = false } = callContext.getStore() ?? {};
    const tenant = gone && caller ? caller.tenantId : platform;
    const stages = [...(isScan ? [this.#scanning] : []), ...(isRead ? [] : [this.#writing]), this.#all];
    const entered: FairSlots[] = [];
    const leave = () => {
      for (const slots of entered) slots.leave(tenant);
    };
    try {
      for (const slots of stages) {
        if (!slots.tryEnter(tenant)) await this.#wait(slots, tenant, gone);
        entered.push(slots);
      }
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  async #wait(slots: FairSlots, tenant: string, gone?: AbortSignal): Promise<void> {
    const end = new AbortController();
    // pg-pool's text, which `isConnectionLoss` knows.
    const endOfTurn = () => end.abort(new Error('timeout exceeded when trying to connect'));
    const endOfShare = () => {
      if (tenant !== platform && slots.isFull(tenant)) return end.abort(tooManyConcurrent());
      timer = setTimeout(endOfTurn, this.timeoutMs / 2);
    };
    let timer = gone
      ? setTimeout(endOfShare, this.timeoutMs / 2)
      : setTimeout(endOfTurn, this.timeoutMs * backgroundPatience);
    const leave = () => end.abort(clientGone());
    if (gone?.aborted) leave();
    gone?.addEventListener('abort', leave, { once: true });
    try {
      await slots.enter(tenant, end.signal);
    } finally {
      clearTimeout(timer);
      gone?.removeEventListener('abort', leave);
    }
  }
}

/** @param size number of slots; work of no tenant may hold all */
function slotsFor(size: number, ofTenant = greatestShare): FairSlots {
  const share = Math.max(1, Math.floor(size * ofTenant));
  return new FairSlots(size, (tenant) => (tenant === platform ? size : share));
}

/** The error of a call whose client no longer waits for the response. */
export function clientGone(): AppError {
  return new AppError('CANCELLED', 'CANCELLED', 'The client has gone.');
}

function tooManyConcurrent(): AppError {
  const message = 'This tenant has reached its limit of concurrent calls at the database. Try again.';
  return new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_CONCURRENT', message, { retryAfterSeconds: 1 });
}
