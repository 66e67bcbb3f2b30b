import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { enqueue } from './operation-jobs.js';
import { hasEnded } from './operation-message.js';
import { Operation, operationStates } from './operation.entity.js';

/** The counts of a new operation. */
const noCounts = { rows: 0, created: 0, updated: 0, unchanged: 0, joined: 0, failed: 0, issues: 0, undone: 0 };

/**
 * Creates an operation of the caller, in the transaction of `em`.
 *
 * @param delaySeconds until a worker may claim it; 0 when absent
 */
export async function createOperation(
  em: EntityManager,
  content: Pick<Operation, 'kind' | 'state' | 'input' | 'rules'> & Partial<Pick<Operation, 'sealed' | 'keySubject'>>,
  delaySeconds?: number,
): Promise<Operation> {
  const { tenantId, principalId } = currentCaller();
  const operation = em.create(Operation, {
    ...content,
    tenantId,
    id: uuidv7(),
    receivedBytes: 0,
    processedBytes: 0,
    counts: { ...noCounts },
    columns: [],
    createTime: new Date(),
    createdBy: principalId,
  });
  await enqueue(em, operation, delaySeconds);
  return operation;
}

/** Takes a lock, until the transaction ends, that serialises the creation of operations of a tenant. */
export async function lockOperations(em: EntityManager, tenantId: string): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`operation ${tenantId}`]);
}

/** Number of operations of a tenant that have not ended. */
export async function countOpen(em: EntityManager, tenantId: string): Promise<number> {
  // Every operation that has not ended has a job, so the query does not read all operations that the tenant ever had.
  const [open] = await em.execute<{ count: number }[]>(
    `select count(*)::int as count
     from operation_job join operation on operation.tenant_id = operation_job.tenant_id and operation.id = operation_id
     where operation_job.tenant_id = ? and state in (?)`,
    [tenantId, operationStates.filter((state) => !hasEnded(state))],
  );
  return open?.count ?? 0;
}
