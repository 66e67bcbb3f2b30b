import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { BulkPace } from '../pace/bulk-pace.js';
import type { Leftovers } from './operation-kind.js';
import { removeJob, type Job } from './operation-jobs.js';
import { found } from './operation-message.js';
import { Operation, type OperationState } from './operation.entity.js';

/** Deletes the leftovers of an operation that has ended, in many short statements. */
export async function clearOperation(
  em: EntityManager,
  leftovers: readonly Leftovers[],
  { tenantId, operationId }: Pick<Job, 'tenantId' | 'operationId'>,
  signal: AbortSignal,
): Promise<void> {
  const pace = BulkPace.of(em);
  for (const { table, limit, column = 'operation_id', unless = 'false' } of leftovers) {
    // Deletes by ctid, since a join on the keys can read the whole table.
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

/** Deletes the job of an operation that needs no worker, unless its state has changed from `state`. */
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
