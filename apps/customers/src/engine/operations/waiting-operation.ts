import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type { Operation as OperationMessage } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { AppError, currentCaller } from '@rapport/platform';
import { enqueue, jobSignal } from './operation-jobs.js';
import { found, operationMessage } from './operation-message.js';
import { Operation, type OperationKindName } from './operation.entity.js';

/** An operation that waits for a file. */
interface WaitingOperation {
  id: string;
  kind: OperationKindName;
  /** What it waits for, as errors name it: `a file` or `an archive`. */
  noun: string;
}

/** @throws AppError NOT_FOUND, or FAILED_PRECONDITION OPERATION_NOT_WAITING when the operation has its file or has ended */
export async function findWaiting(em: EntityManager, waiting: WaitingOperation): Promise<Operation> {
  const { tenantId } = currentCaller();
  const key = { tenantId, id: waiting.id };
  return checkWaiting(await em.findOne(Operation, key, { disableIdentityMap: true }), waiting);
}

/**
 * Stores a piece of the file in a transaction that locks the operation, and starts the operation when the file is
 * complete.
 *
 * @throws AppError as `findWaiting` does
 */
export async function storeForWaiting(
  em: EntityManager,
  waiting: WaitingOperation,
  isComplete: boolean,
  store: (transaction: EntityManager, operation: Operation) => Promise<void>,
): Promise<OperationMessage> {
  const { tenantId } = currentCaller();
  const answer = await em.transactional(
    async (transaction) => {
      const lock = { lockMode: LockMode.PESSIMISTIC_WRITE };
      const operation = checkWaiting(await transaction.findOne(Operation, { tenantId, id: waiting.id }, lock), waiting);
      await store(transaction, operation);
      if (isComplete) {
        operation.state = 'RUNNING';
        await enqueue(transaction, operation);
      }
      return operationMessage(operation);
    },
    { clear: true },
  );
  if (isComplete) jobSignal(em).wake();
  return answer;
}

function checkWaiting(operation: Operation | null, { kind, noun }: WaitingOperation): Operation {
  const known = found(operation);
  const { state } = known;
  if (known.kind !== kind) return found(null);
  if (state === 'WAITING') return known;
  throw new AppError('FAILED_PRECONDITION', 'OPERATION_NOT_WAITING', `The operation does not wait for ${noun}.`, {
    metadata: { state },
  });
}
