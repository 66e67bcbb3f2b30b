import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type { Operation as OperationMessage } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { AppError, currentCaller } from '@rapport/platform';
import { enqueue, jobSignal, postpone } from './operation-jobs.js';
import type { OperationKinds } from './operation-kind.js';
import { found, hasEnded, operationMessage } from './operation-message.js';
import { Operation } from './operation.entity.js';

/** How long a paused or failed operation can be resumed, in seconds: 7 days. */
const resumableSeconds = 7 * 24 * 60 * 60;

/**
 * Handles PauseOperation. Waits for the row lock of the worker's current step, so that the operation is at a checkpoint.
 *
 * @throws AppError FAILED_PRECONDITION
 */
export function pauseOperation(em: EntityManager, kinds: OperationKinds, id: string): Promise<OperationMessage> {
  return steer(em, id, async (transaction, operation) => {
    const { pauseRefusal } = kinds.of(operation);
    if (pauseRefusal !== undefined) throw wrongState(operation, pauseRefusal);
    if (operation.state !== 'RUNNING') throw wrongState(operation, 'Only a running operation can be paused.');
    operation.state = 'PAUSED';
    await stop(transaction, operation);
  });
}

/** Handles ResumeOperation. @throws AppError FAILED_PRECONDITION */
export function resumeOperation(em: EntityManager, kinds: OperationKinds, id: string): Promise<OperationMessage> {
  return steer(em, id, async (transaction, operation) => {
    const kind = kinds.of(operation);
    kind.checkResume?.(operation);
    const refusal = operation.state === 'FAILED' ? kind.failedRefusal?.(operation) : undefined;
    if (refusal !== undefined) throw wrongState(operation, refusal);
    if (operation.state !== 'PAUSED' && operation.state !== 'FAILED') {
      throw wrongState(operation, 'Only an operation that was paused or has failed can be resumed.');
    }
    operation.state = operation.undoneBy === null ? 'RUNNING' : 'UNDOING';
    operation.error = null;
    operation.endTime = null;
    await enqueue(transaction, operation);
  });
}

/** Handles CancelOperation, at a checkpoint like PauseOperation. @throws AppError FAILED_PRECONDITION */
export function cancelOperation(em: EntityManager, kinds: OperationKinds, id: string): Promise<OperationMessage> {
  return steer(em, id, async (transaction, operation) => {
    const { cancelRefusal } = kinds.of(operation);
    if (cancelRefusal !== undefined) throw wrongState(operation, cancelRefusal);
    if (hasEnded(operation.state)) throw wrongState(operation, 'The operation has already ended.');
    if (operation.state === 'UNDOING') throw wrongState(operation, 'The undo of an operation can not be cancelled.');
    await cancel(transaction, operation);
  });
}

/** Revokes the lease of an operation. If it is not resumed within 7 days, a worker cancels it and deletes its file. */
export function stop(em: EntityManager, operation: Operation): Promise<void> {
  return postpone(em, operation, resumableSeconds);
}

/** Ends an operation at its checkpoint. A worker deletes its leftovers. */
export async function cancel(em: EntityManager, operation: Operation): Promise<void> {
  operation.state = 'CANCELLED';
  operation.endTime = new Date();
  await enqueue(em, operation);
}

/** Handles UndoOperation. @throws AppError FAILED_PRECONDITION */
export function undoOperation(em: EntityManager, kinds: OperationKinds, id: string): Promise<OperationMessage> {
  return steer(em, id, async (transaction, operation) => {
    if (!hasEnded(operation.state)) throw wrongState(operation, 'Only an operation that has ended can be undone.');
    if (operation.state === 'UNDONE') throw wrongState(operation, 'The operation was already undone.');
    const { undo } = kinds.of(operation);
    if ('refusal' in undo) throw wrongState(operation, undo.refusal);
    undo.check(operation);
    operation.state = 'UNDOING';
    operation.undoneBy = currentCaller().principalId;
    operation.error = null;
    operation.endTime = null;
    await enqueue(transaction, operation);
  });
}

async function steer(
  em: EntityManager,
  id: string,
  change: (em: EntityManager, operation: Operation) => Promise<void>,
): Promise<OperationMessage> {
  const { tenantId } = currentCaller();
  const answer = await em.transactional(
    async (transaction) => {
      const lock = { lockMode: LockMode.PESSIMISTIC_WRITE };
      const operation = found(await transaction.findOne(Operation, { tenantId, id }, lock));
      await change(transaction, operation);
      return operationMessage(operation);
    },
    { clear: true },
  );
  jobSignal(em).wake();
  return answer;
}

/** FAILED_PRECONDITION OPERATION_STATE: the state or kind of the operation does not allow the call. */
export function wrongState({ state }: Operation, message: string): AppError {
  return new AppError('FAILED_PRECONDITION', 'OPERATION_STATE', message, { metadata: { state } });
}
