import type { EntityManager } from '@mikro-orm/postgresql';
import {
  ImportInput,
  type Operation as OperationMessage,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { AppError, currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { countOpen, lockOperations, noCounts } from '../import/operation/create-import.js';
import { enqueue, jobSignal } from '../operations/operation-jobs.js';
import { found, operationMessage } from '../operations/operation-message.js';
import { Operation } from '../operations/operation.entity.js';
import { Sealing } from '../sealing/sealing.js';
import { TenantEncryption } from '../sealing/tenant-encryption.entity.js';

/** Answers EncryptPersonalData. */
export async function encryptPersonalData(em: EntityManager): Promise<OperationMessage> {
  const { tenantId } = currentCaller();
  const sealing = Sealing.of(em);
  // Ahead of the transaction, since nothing may be sealed without it.
  await sealing.configuredKeys().createTenant(tenantId);
  const operation = await em.transactional((transaction) => begin(transaction), { clear: true });
  sealing.forget(tenantId);
  jobSignal(em).wake();
  return operationMessage(operation);
}

async function begin(em: EntityManager): Promise<Operation> {
  const { tenantId, principalId } = currentCaller();
  await lockOperations(em, tenantId);
  const known = await em.findOne(TenantEncryption, { tenantId });
  if (known) return found(await em.findOne(Operation, { tenantId, id: known.operationId }));
  if ((await countOpen(em, tenantId)) > 0) {
    const message = 'There are operations that have not ended. Cancel them, or wait.';
    throw new AppError('FAILED_PRECONDITION', 'OPERATIONS_OPEN', message);
  }
  const now = new Date();
  const operation = em.create(Operation, {
    tenantId,
    id: uuidv7(),
    kind: 'ENCRYPTION',
    state: 'RUNNING',
    input: ImportInput.decode(new Uint8Array()),
    rules: { map: [], kind: 0, externalIdSystem: undefined },
    receivedBytes: 0,
    processedBytes: 0,
    counts: { ...noCounts },
    columns: [],
    createTime: now,
    createdBy: principalId,
  });
  em.create(TenantEncryption, { tenantId, operationId: operation.id, createTime: now, createdBy: principalId });
  await enqueue(em, operation);
  return operation;
}
