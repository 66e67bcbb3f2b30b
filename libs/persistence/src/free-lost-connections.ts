import { Logger } from '@nestjs/common';
import type { Pool, PoolClient } from 'pg';
import { isConnectionLoss } from './database-errors.js';

/**
 * Gives a connection back to its pool when it is lost while a transaction holds it, and takes one for lost that has not
 * answered within `query_timeout`, or leads to a server that takes no writes. Kysely (0.29), through which MikroORM works, gives none back whose BEGIN, COMMIT or
 * ROLLBACK fails, so each lost connection would make the pool smaller until no call gets one.
 */
export function freeLostConnections(pool: Pool): void {
  const logger = new Logger('Database');
  const inUse = new Set<PoolClient>();
  pool.on('acquire', (client) => inUse.add(client));
  pool.on('release', (_error, client) => inUse.delete(client));
  pool.on('connect', (client) => {
    const giveUp = () => {
      if (!inUse.has(client)) return;
      logger.warn('A connection was lost while it was in use.');
      client.release(true);
      // Whoever held it may give it back too, which pg-pool takes for a mistake.
      client.release = () => undefined;
    };
    client.once('end', giveUp);
    whenUnanswered(client, giveUp);
  });
}

/** pg itself only stops waiting: the connection would be used again while the server may still be at work for it. */
function whenUnanswered(client: PoolClient, giveUp: () => void): void {
  const query = client.query.bind(client) as (...input: unknown[]) => unknown;
  const watchedQuery = (...input: unknown[]) => {
    watchCallback(input[0], giveUp);
    const answer = query(...input);
    if (!(answer instanceof Promise)) return answer;
    return answer.catch((error: unknown) => {
      if (isConnectionLoss(error)) giveUp();
      throw error;
    });
  };
  client.query = watchedQuery as PoolClient['query'];
}

/** Of what pg drives itself, such as a pipeline, which answers by a callback. */
function watchCallback(query: unknown, giveUp: () => void): void {
  if (typeof query !== 'object' || query === null || !('submit' in query) || !('callback' in query)) return;
  if (typeof query.callback !== 'function') return;
  const settle = query.callback as (...answer: unknown[]) => unknown;
  query.callback = (error: unknown, ...results: unknown[]): unknown => {
    if (isConnectionLoss(error)) giveUp();
    return settle(error, ...results);
  };
}
