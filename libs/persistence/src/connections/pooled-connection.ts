import type { EntityManager } from '@mikro-orm/postgresql';
import type { PoolClient } from 'pg';
import { isConnectionLoss } from '../database-errors.js';

/**
 * Works on one connection of the ORM's pool, for what MikroORM does not do: see `pipeline`. The connection is in no
 * transaction, knows no tenant, and is not that of a transaction of `em`. A transaction that `work` leaves open when it
 * fails is rolled back; when it succeeds, one left open is a mistake.
 */
export async function withConnection<Answer>(
  em: EntityManager,
  work: (client: PoolClient) => Promise<Answer>,
): Promise<Answer> {
  const pool = await em.getConnection().getNativeClient();
  const client = await pool.connect();
  try {
    const answer = await work(client);
    if (client.getTransactionStatus() !== 'I') throw new Error('A transaction was left open.');
    client.release();
    return answer;
  } catch (error) {
    await giveBack(client, error);
    throw error;
  }
}

/** A connection that is lost, or that may still be at work, does not go back to the pool. */
async function giveBack(client: PoolClient, error: unknown): Promise<void> {
  if (isConnectionLoss(error)) return client.release(true);
  if (client.getTransactionStatus() === 'I') return client.release();
  const isRolledBack = await client.query('rollback').then(
    () => true,
    () => false,
  );
  client.release(!isRolledBack);
}
