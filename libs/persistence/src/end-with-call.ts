import { AppError, callContext } from '@rapport/platform';
import type { Pool, PoolClient } from 'pg';

/**
 * Has the database stop what it does for a call once nobody waits for the answer any longer, which is how a deadline reaches it:
 * the connection that the call holds is closed, and `client_connection_check_interval` lets the server notice. A request to
 * cancel would keep the connection, but is not bound to a statement: it may meet the next one, of another call.
 */
export function endWithCall(pool: Pool): void {
  const connect = pool.connect.bind(pool) as () => Promise<PoolClient>;
  const connectForCall = (callback?: Parameters<Pool['connect']>[0]) => {
    const gone = callContext.getStore()?.gone;
    // By callbacks pg itself connects, for a query of nobody in particular.
    if (callback) return (connect as unknown as Pool['connect'])(callback);
    return gone ? connect().then((client) => endWhen(gone, client)) : connect();
  };
  pool.connect = connectForCall as Pool['connect'];
}

function endWhen(gone: AbortSignal, client: PoolClient): PoolClient {
  const release = client.release.bind(client);
  const end = () => {
    release(true);
    // Whoever holds it gives it back too, which pg-pool takes for a mistake.
    client.release = () => undefined;
  };
  if (gone.aborted) {
    release();
    throw new AppError('CANCELLED', 'CANCELLED', 'Nobody waits for the answer any longer.');
  }
  gone.addEventListener('abort', end, { once: true });
  client.release = (error) => {
    gone.removeEventListener('abort', end);
    release(error);
  };
  return client;
}
