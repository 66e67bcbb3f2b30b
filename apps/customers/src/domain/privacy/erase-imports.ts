import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { destroyLater } from '../../engine/encryption/forget-keys.js';
import { ImportFile, importErased } from '../../engine/import/operation/import-file.js';
import { lockOperations } from '../../engine/operations/create-operation.js';
import { postpone } from '../../engine/operations/operation-jobs.js';
import { Operation } from '../../engine/operations/operation.entity.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import { allGenerations } from '../../engine/sealing/subject-keys.js';

/**
 * Schedules the keys of all stored files and reports of imports of an encrypted workspace for destruction: any of them
 * can be about the person who is being erased. Unfinished imports fail. Runs in the transaction of the erasure, before
 * records are locked: an import locks its operation first. Fire `jobSignal` after the commit.
 */
export async function eraseImports(em: EntityManager): Promise<void> {
  if (!currentSeal()) return;
  const { tenantId } = currentCaller();
  await lockOperations(em, tenantId);
  const subjects: string[] = [];
  const withJobs = await queryRows<{ id: string }>(em, {
    name: 'imports_with_jobs',
    sql: `select id from operation_job
      join operation on operation.tenant_id = operation_job.tenant_id and operation.id = operation_id
      where operation_job.tenant_id = $1 and kind = 'IMPORT' and sealed order by id`,
    values: [tenantId],
  });
  for (const { id } of withJobs) {
    const operation = await em.findOneOrFail(Operation, { tenantId, id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    const subject = await new ImportFile(em, operation).keySubject();
    if (subject !== undefined) subjects.push(subject);
    if (needsFile(operation)) await endImport(em, operation);
  }
  await em.flush();
  const reports = await queryRows<{ subject: string }>(em, {
    name: 'forget_report_keys',
    sql: `with former as (
        select id, key_subject from operation
        where tenant_id = $1 and sealed and key_subject is not null order by id for update
      )
      update operation set key_subject = null from former where tenant_id = $1 and operation.id = former.id
      returning former.key_subject as subject`,
    values: [tenantId],
  });
  subjects.push(...reports.map(({ subject }) => subject));
  await destroyLater(
    em,
    subjects.map((customerId) => ({ customerId, formerGeneration: allGenerations })),
  );
}

/** Whether an import still has to read its file. An undo does not. */
function needsFile({ state, undoneBy }: Operation): boolean {
  switch (state) {
    case 'WAITING':
    case 'RUNNING':
    case 'PAUSED':
      return true;
    case 'FAILED':
      return undoneBy === null;
    case 'UNDOING':
    case 'SUCCEEDED':
    case 'CANCELLED':
    case 'UNDONE':
      return false;
    default:
      return state satisfies never;
  }
}

async function endImport(em: EntityManager, operation: Operation): Promise<void> {
  const { code, reason, message } = importErased();
  operation.state = 'FAILED';
  operation.error = { code, reason, message };
  operation.endTime = new Date();
  await postpone(em, operation, 0);
}
