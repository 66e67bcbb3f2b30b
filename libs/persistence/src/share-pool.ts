import { AppError, callContext, FairPlaces } from '@rapport/platform';
import type { Pool, PoolClient } from 'pg';

/** The part of a pool's connections that the calls of one tenant hold at most: those of others always find one. */
const greatestShare = 0.6;

/** In the place of a tenant: work that no call waits for. It has its turn, and no bound but the pool's. */
const platform = '';

/**
 * Shares a pool among the tenants whose calls are being answered: each holds a part of the connections at most, and of those who
 * wait for one each has its turn, however many calls of another wait.
 *
 * A connection is waited for no longer than `connectionTimeoutMillis`, after which a call fails with what pg-pool throws. When its
 * tenant has all of its part it is refused after half of that time, with the AppError RESOURCE_EXHAUSTED TOO_MANY_CONCURRENT.
 */
export function sharePool(pool: Pool): void {
  const { max, connectionTimeoutMillis = 0 } = pool.options;
  const share = Math.max(1, Math.floor(max * greatestShare));
  const places = new FairPlaces(max, (tenant) => (tenant === platform ? max : share));
  const holders = new Map<PoolClient, string>();
  const connect = pool.connect.bind(pool) as () => Promise<PoolClient>;
  pool.on('release', (_error, client) => {
    const tenant = holders.get(client);
    if (tenant === undefined) return;
    holders.delete(client);
    places.leave(tenant);
  });
  const connectInTurn = async () => {
    const { caller, gone } = callContext.getStore() ?? {};
    const tenant = gone && caller ? caller.tenantId : platform;
    if (!places.tryEnter(tenant)) await waitForPlace(places, tenant, connectionTimeoutMillis, gone);
    try {
      const client = await connect();
      holders.set(client, tenant);
      return client;
    } catch (error) {
      places.leave(tenant);
      throw error;
    }
  };
  const shared = (callback?: Parameters<Pool['connect']>[0]) =>
    // By callbacks pg itself connects, for a query of nobody in particular.
    callback ? (connect as unknown as Pool['connect'])(callback) : connectInTurn();
  pool.connect = shared as Pool['connect'];
}

async function waitForPlace(places: FairPlaces, tenant: string, timeoutMs: number, gone?: AbortSignal): Promise<void> {
  const end = new AbortController();
  // As pg-pool says it, which `isConnectionLoss` knows.
  const endOfTurn = () => end.abort(new Error('timeout exceeded when trying to connect'));
  const endOfShare = () => {
    if (places.isFull(tenant)) return end.abort(tooManyConcurrent());
    timer = setTimeout(endOfTurn, timeoutMs / 2);
  };
  let timer = timeoutMs > 0 ? setTimeout(endOfShare, timeoutMs / 2) : undefined;
  const leave = () => end.abort(new AppError('CANCELLED', 'CANCELLED', 'Nobody waits for the answer any longer.'));
  if (gone?.aborted) leave();
  gone?.addEventListener('abort', leave, { once: true });
  try {
    await places.enter(tenant, end.signal);
  } finally {
    clearTimeout(timer);
    gone?.removeEventListener('abort', leave);
  }
}

function tooManyConcurrent(): AppError {
  const message = 'As many calls of this tenant as may be at the database at the same time are. Try again.';
  return new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_CONCURRENT', message, { retryAfterSeconds: 1 });
}
