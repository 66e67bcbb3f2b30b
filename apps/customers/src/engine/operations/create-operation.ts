import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { enqueue } from './operation-jobs.js';
import { hasEnded } from './operation-message.js';
import { Operation, operationStates } from './operation.entity.js';

/** What has been done when nothing has. */
const noCounts = { rows: 0, created: 0, updated: 0, unchanged: 0, joined: 0, failed: 0, issues: 0, undone: 0 };

/**
 * Creates an operation of the caller, in the transaction of `em`.
 *
 * @param delaySeconds when a worker is to see to it; at once when absent
 */
export async function createOperation(
  em: EntityManager,
  content: Pick<Operation, 'kind' | 'state' | 'input' | 'rules'>,
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

/** Keeps other transactions from creating an operation of the tenant until this one ends. */
export async function lockOperations(em: EntityManager, tenantId: string): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`operation ${tenantId}`]);
}

/** How many operations of a tenant have not ended. */
export async function countOpen(em: EntityManager, tenantId: string): Promise<number> {
  // Each that has not ended has a job, and few others have: a tenant's operations of all time need not be looked at.
  const [open] = await em.execute<{ count: number }[]>(
    `select count(*)::int as count
     from operation_job join operation on operation.tenant_id = operation_job.tenant_id and operation.id = operation_id
     where operation_job.tenant_id = ? and state in (?)`,
    [tenantId, operationStates.filter((state) => !hasEnded(state))],
  );
  return open?.count ?? 0;
}
