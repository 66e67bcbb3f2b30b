import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { BulkPace } from '../pace/bulk-pace.js';
import type { Leftovers } from './operation-kind.js';
import { removeJob, type Job } from './operation-jobs.js';
import { found } from './operation-message.js';
import { Operation, type OperationState } from './operation.entity.js';

/** Removes what an operation that has ended leaves, in statements of which each is short. */
export async function clearOperation(
  em: EntityManager,
  leftovers: readonly Leftovers[],
  { tenantId, operationId }: Pick<Job, 'tenantId' | 'operationId'>,
  signal: AbortSignal,
): Promise<void> {
  const pace = BulkPace.of(em);
  for (const { table, limit, column = 'operation_id', unless = 'false' } of leftovers) {
    // By their places: a join with their keys may read the whole table.
    const remove = () =>
      em.execute<unknown[]>(
        `delete from ${table} where ctid = any (array(
           select ctid from ${table} where tenant_id = ? and ${column} = ? and not (${unless}) limit ${limit}))
         returning 1`,
        [tenantId, operationId],
      );
    for (let removed: unknown[] = [true]; removed.length > 0 && !signal.aborted;) removed = await pace.keep(remove);
  }
}

/** Takes the job of an operation away that needs no worker now, unless its state has changed meanwhile. */
export async function finishJob(em: EntityManager, { tenantId, operationId }: Job, state: OperationState) {
  await em.transactional(
    async (transaction) => {
      const lock = { lockMode: LockMode.PESSIMISTIC_WRITE };
      const operation = found(await transaction.findOne(Operation, { tenantId, id: operationId }, lock));
      if (operation.state === state) await removeJob(transaction, operationId);
    },
    { clear: true },
  );
}
