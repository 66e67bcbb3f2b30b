import type { EntityManager } from '@mikro-orm/postgresql';
import {
  ImportInput,
  type Operation as OperationMessage,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { AppError, currentCaller } from '@rapport/platform';
import { countOpen, createOperation, lockOperations } from '../operations/create-operation.js';
import { jobSignal } from '../operations/operation-jobs.js';
import { found, operationMessage } from '../operations/operation-message.js';
import { Operation } from '../operations/operation.entity.js';
import { Sealing } from '../sealing/sealing.js';
import { TenantEncryption } from '../sealing/tenant-encryption.entity.js';

/** Handles EncryptPersonalData. Returns the existing operation if encryption was enabled before. */
export async function encryptPersonalData(em: EntityManager): Promise<OperationMessage> {
  const { tenantId } = currentCaller();
  const sealing = Sealing.of(em);
  // Before the transaction, since encryption requires this key.
  await sealing.configuredKeys().createTenant(tenantId);
  const operation = await em.transactional((transaction) => begin(transaction), { clear: true });
  sealing.forget(tenantId);
  jobSignal(em).wake();
  return operationMessage(operation);
}

async function begin(em: EntityManager): Promise<Operation> {
  const { tenantId } = currentCaller();
  await lockOperations(em, tenantId);
  const known = await em.findOne(TenantEncryption, { tenantId });
  if (known) return found(await em.findOne(Operation, { tenantId, id: known.operationId }));
  if ((await countOpen(em, tenantId)) > 0) {
    const message = 'There are operations in progress. Cancel them, or wait.';
    throw new AppError('FAILED_PRECONDITION', 'OPERATIONS_OPEN', message);
  }
  const operation = await createOperation(em, {
    kind: 'ENCRYPTION',
    state: 'RUNNING',
    // Only imports have input.
    input: ImportInput.decode(new Uint8Array()),
    rules: { map: [], kind: 0 },
  });
  const { id: operationId, createTime, createdBy } = operation;
  em.create(TenantEncryption, { tenantId, operationId, createTime, createdBy });
  return operation;
}
