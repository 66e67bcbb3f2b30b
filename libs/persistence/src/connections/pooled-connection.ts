import type { EntityManager } from '@mikro-orm/postgresql';
import { callContext } from '@rapport/platform';
import type { PoolClient } from 'pg';
import { isConnectionLoss } from '../database-errors.js';

/**
 * Runs work on one connection of the ORM's pool, for what MikroORM does not do: see `pipeline`. The connection is in no
 * transaction, has no tenant, and is never that of a transaction of `em`. A transaction that failed `work` leaves open
 * is rolled back; after successful `work`, an open one is a bug.
 *
 * @param isScan whether `work` may keep the database busy, see `Statement`
 */
export async function withConnection<Answer>(
  em: EntityManager,
  work: (client: PoolClient) => Promise<Answer>,
  isScan = false,
): Promise<Answer> {
  const pool = await em.getConnection().getNativeClient();
  const context = callContext.getStore();
  const client = await (isScan && context
    ? callContext.run({ ...context, isScan }, () => pool.connect())
    : pool.connect());
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

/** A connection that is lost, or that may still run a statement, does not return to the pool. */
async function giveBack(client: PoolClient, error: unknown): Promise<void> {
  if (isConnectionLoss(error)) return client.release(true);
  if (client.getTransactionStatus() === 'I') return client.release();
  const isRolledBack = await client.query('rollback').then(
    () => true,
    () => false,
  );
  client.release(!isRolledBack);
}
