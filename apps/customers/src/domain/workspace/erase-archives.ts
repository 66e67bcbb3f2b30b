import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import { destroyLater } from '../../engine/encryption/forget-keys.js';
import { lockOperations } from '../../engine/operations/create-operation.js';
import { enqueue, postpone } from '../../engine/operations/operation-jobs.js';
import { hasEnded } from '../../engine/operations/operation-message.js';
import { Operation } from '../../engine/operations/operation.entity.js';
import { cancel } from '../../engine/operations/steer-operation.js';
import { allGenerations } from '../../engine/sealing/subject-keys.js';
import { archiveErased } from './archive/archive-error.js';
import { ArchivePieces } from './archive/archive-pieces.js';
import type { ExportProgress } from './export-workspace.js';

/**
 * Removes the stored archives of the caller's workspace, from which a person is being erased, and schedules their keys
 * for destruction. A running export starts again, and an import fails. Runs in the transaction of the erasure, before
 * records are locked: an import locks its operation first. Fire `jobSignal` after the commit.
 */
export async function eraseArchives(em: EntityManager): Promise<void> {
  const { tenantId } = currentCaller();
  // An export that starts later reads the workspace without the person.
  await lockOperations(em, tenantId);
  const stored = await em.execute<{ id: string }[]>(
    `select id from operation_job join operation on operation.tenant_id = operation_job.tenant_id and operation.id = operation_id
     where operation_job.tenant_id = ? and kind in ('WORKSPACE_EXPORT', 'WORKSPACE_IMPORT') order by id`,
    [tenantId],
  );
  for (const { id } of stored) {
    const operation = await em.findOneOrFail(Operation, { tenantId, id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    const subject = await ArchivePieces.keySubjectOf(em, id);
    if (subject !== undefined) await destroyLater(em, [{ customerId: subject, formerGeneration: allGenerations }]);
    await (operation.kind === 'WORKSPACE_EXPORT' ? endExport(em, operation) : endImport(em, operation));
  }
  await em.flush();
}

async function endExport(em: EntityManager, operation: Operation): Promise<void> {
  switch (operation.state) {
    case 'RUNNING':
      return postpone(em, operation, 0);
    case 'PAUSED':
      return cancel(em, operation);
    case 'SUCCEEDED': {
      const { expireTime: _, ...rules } = operation.rules as ExportProgress;
      operation.rules = rules;
      return enqueue(em, operation);
    }
    default:
      // It has ended, and its worker is removing the archive.
      return undefined;
  }
}

async function endImport(em: EntityManager, operation: Operation): Promise<void> {
  if (hasEnded(operation.state)) return;
  const { code, reason, message } = archiveErased();
  operation.state = 'FAILED';
  operation.error = { code, reason, message };
  operation.endTime = new Date();
  await postpone(em, operation, 0);
}
