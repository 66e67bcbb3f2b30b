import type { EntityManager } from '@mikro-orm/postgresql';
import {
  ImportInput,
  type Operation as OperationMessage,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { recordAuditEvent } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { isHiding } from '../../engine/fields/hidden-data.js';
import { countOpen, createOperation, lockOperations } from '../../engine/operations/create-operation.js';
import { enqueue } from '../../engine/operations/operation-jobs.js';
import { operationMessage } from '../../engine/operations/operation-message.js';
import type { Operation } from '../../engine/operations/operation.entity.js';
import type { ExportProgress } from './export-workspace.js';
import { refuseFilled } from './filled-workspace.js';
import type { ImportProgress } from './import-progress.js';
import type { Sections } from './archive/section.js';

/** How long an operation waits for its archive, in seconds. */
const waitSeconds = 24 * 60 * 60;

/** Handles ExportWorkspace, in the transaction of `em`. @throws AppError FAILED_PRECONDITION */
export async function createExport(em: EntityManager): Promise<OperationMessage> {
  const { tenantId } = currentCaller();
  await lockWorkspace(em, tenantId);
  await expireExports(em, tenantId);
  const rules: ExportProgress = { sizeBytes: 0, starts: 0 };
  const operation = await createOperation(em, { kind: 'WORKSPACE_EXPORT', state: 'RUNNING', ...noInput, rules });
  await em.flush();
  await recordAuditEvent(em, { kind: 'EXPORT', detail: { of: 'workspace', operationId: operation.id } });
  return operationMessage(operation);
}

/** Handles ImportWorkspace, in the transaction of `em`. @throws AppError FAILED_PRECONDITION */
export async function createImport(em: EntityManager, sections: Sections): Promise<OperationMessage> {
  const { tenantId } = currentCaller();
  await lockWorkspace(em, tenantId);
  await refuseOpen(em, tenantId);
  await refuseFilled(em, sections);
  const rules: ImportProgress = { sizeBytes: 0 };
  const content: Pick<Operation, 'kind' | 'state' | 'input' | 'rules'> = {
    kind: 'WORKSPACE_IMPORT',
    state: 'WAITING',
    ...noInput,
    rules,
  };
  const operation = await createOperation(em, content, waitSeconds);
  await em.flush();
  await recordAuditEvent(em, { kind: 'IMPORT', detail: { of: 'workspace', operationId: operation.id } });
  return operationMessage(operation);
}

const noInput = { input: ImportInput.decode(new Uint8Array()) };

/** @throws AppError PERMISSION_DENIED PERSONAL_DATA_HIDDEN to a caller from whom personal data is hidden */
export function refuseHiding(): void {
  if (!isHiding()) return;
  throw new AppError('PERMISSION_DENIED', 'PERSONAL_DATA_HIDDEN', 'Personal data is hidden from this caller.');
}

/** Runs under the lock of the tenant's operations, so that concurrent calls run one after the other. */
async function lockWorkspace(em: EntityManager, tenantId: string): Promise<void> {
  refuseHiding();
  await lockOperations(em, tenantId);
  const [running] = await em.execute<object[]>(
    `select 1 from operation_job join operation on operation.tenant_id = operation_job.tenant_id and operation.id = operation_id
     where operation_job.tenant_id = ? and kind in ('WORKSPACE_EXPORT', 'WORKSPACE_IMPORT') and state in ('WAITING', 'RUNNING', 'PAUSED')`,
    [tenantId],
  );
  if (!running) return;
  const message = 'Another export or import of the workspace is in progress. Cancel it, or wait.';
  throw new AppError('FAILED_PRECONDITION', 'OPERATION_RUNNING', message);
}

async function refuseOpen(em: EntityManager, tenantId: string): Promise<void> {
  if ((await countOpen(em, tenantId)) === 0) return;
  const message = 'There are operations in progress. Cancel them, or wait.';
  throw new AppError('FAILED_PRECONDITION', 'OPERATIONS_OPEN', message);
}

/** Expires the archives of earlier exports, so that a tenant has one at a time. */
async function expireExports(em: EntityManager, tenantId: string): Promise<void> {
  const former = await em.execute<{ id: string }[]>(
    `select id from operation_job join operation on operation.tenant_id = operation_job.tenant_id and operation.id = operation_id
     where operation_job.tenant_id = ? and kind = 'WORKSPACE_EXPORT' and state = 'SUCCEEDED'`,
    [tenantId],
  );
  await em.execute(
    `update operation set rules = rules - 'expireTime'
     where tenant_id = ? and kind = 'WORKSPACE_EXPORT' and rules ->> 'expireTime' is not null`,
    [tenantId],
  );
  for (const { id } of former) await enqueue(em, { id, tenantId });
}
