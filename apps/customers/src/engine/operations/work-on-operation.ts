import { Logger } from '@nestjs/common';
import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type { OperationError } from '@rapport/contracts/rapport/customers/v1/operations_service';
import {
  causedBy,
  isConflict,
  isConnectionLoss,
  isStatementTimeout,
  isStorageFull,
  isUniqueViolation,
  transactionPipeline,
} from '@rapport/persistence';
import { AppError, callContext, ownerIdOf } from '@rapport/platform';
import { delayUnlessAborted } from '../pace/delay-unless-aborted.js';
import { statementsFor } from '../records/notices.js';
import { storable } from '../values/storable-text.js';
import { doneOf, doStep, OperationMoved } from './checkpoint.js';
import { clearOperation, finishJob } from './clear-operation.js';
import { holdsJob, maxAttempts, removeJob, type Job } from './operation-jobs.js';
import type { OperationKind, OperationKinds, OperationWork } from './operation-kind.js';
import { found } from './operation-message.js';
import { Operation, type OperationState } from './operation.entity.js';
import { cancel, stop } from './steer-operation.js';

const logger = new Logger('Operations');

/** Most failures without progress before an operation fails. */
const maxFailures = 20;

/**
 * Runs an operation until it needs no worker, another worker holds its job, or `signal` is aborted. An operation whose last workers all
 * crashed fails before it runs again.
 */
export async function workOnOperation(
  em: EntityManager,
  kinds: OperationKinds,
  job: Job,
  signal: AbortSignal,
): Promise<void> {
  const { tenantId, operationId } = job;
  // The job has no operation: it deletes the file of a unary import whose process has crashed, or leftovers of records'
  // files.
  if ((await em.count(Operation, { tenantId, id: operationId })) === 0) {
    return clearWithoutOperation(em, kinds, job, signal);
  }
  if (job.attempts > maxAttempts) await giveUp(em, kinds, job);
  let failures = 0;
  let lastDone = -1;
  while (!signal.aborted && (await holdsJob(em, job))) {
    const operation = await load(em, job);
    if (doneOf(operation) !== lastDone) failures = 0;
    lastDone = doneOf(operation);
    try {
      const kind = kinds.of(operation);
      const work = workIn(operation, kind);
      await asCreator(em, kind, operation, () => work({ em, job, operation, signal }));
    } catch (error) {
      if (error instanceof OperationMoved) continue;
      failures += 1;
      if (isTransient(error) && failures < maxFailures)
        await delayUnlessAborted(100 * 2 ** Math.min(failures, 6), signal);
      else await fail(em, kinds, job, operation, error);
    }
  }
}

async function clearWithoutOperation(
  em: EntityManager,
  kinds: OperationKinds,
  job: Job,
  signal: AbortSignal,
): Promise<void> {
  for (const { leftovers } of kinds.all) await clearOperation(em, leftovers, job, signal);
  await kinds.doOther(em, job, signal);
  if (!signal.aborted) await removeJob(em, job.operationId);
}

async function load(em: EntityManager, { tenantId, operationId }: Job): Promise<Operation> {
  return found(await em.findOne(Operation, { tenantId, id: operationId }, { disableIdentityMap: true }));
}

/** Attributes changes to the principal that requested the operation or its undo. */
function asCreator(
  em: EntityManager,
  kind: OperationKind,
  { id, tenantId, undoneBy, createdBy, state }: Operation,
  work: () => Promise<void>,
): Promise<void> {
  const caller = { tenantId, principalId: undoneBy ?? createdBy, permissions: [] };
  const cause = { origin: state === 'UNDOING' ? 'undo' : kind.origin, causationId: id };
  return callContext.run({ requestId: id, caller }, () => causedBy(em, cause, work));
}

/** The work that an operation needs in its state. */
function workIn(operation: Operation, kind: OperationKind): OperationWork {
  const { state } = operation;
  switch (state) {
    case 'WAITING':
    case 'PAUSED':
    case 'FAILED':
      if (state === 'FAILED' && kind.failedRefusal?.(operation) !== undefined) return clearing(kind, state);
      // The job is due only if the file did not arrive in time, or if the operation was not resumed in time.
      return ({ em, job }) =>
        kind.cancelRefusal === undefined
          ? doStep(em, job, { state, done: doneOf(operation) }, cancel)
          : finishJob(em, job, state);
    case 'RUNNING':
      return kind.run;
    case 'UNDOING':
      if ('refusal' in kind.undo) throw new Error(kind.undo.refusal);
      return kind.undo.run;
    case 'SUCCEEDED':
    case 'CANCELLED':
    case 'UNDONE':
      return clearing(kind, state);
    default:
      return state satisfies never;
  }
}

function clearing(kind: OperationKind, state: OperationState): OperationWork {
  return async (task) => {
    const { em, job, signal } = task;
    await kind.clear?.(task);
    await clearOperation(em, kind.leftovers, job, signal);
    if (!signal.aborted) await finishJob(em, job, state);
  };
}

function isTransient(error: unknown): boolean {
  if (error instanceof AppError) return error.code === 'UNAVAILABLE' || error.reason === 'STORAGE_FULL';
  const kinds = [isConnectionLoss, isConflict, isStatementTimeout, isStorageFull, isUniqueViolation];
  return kinds.some((isKind) => isKind(error));
}

async function giveUp(em: EntityManager, kinds: OperationKinds, job: Job): Promise<void> {
  const operation = await load(em, job);
  if (!isAtWork(operation)) return;
  logger.error(`None of the last workers made progress on operation ${job.operationId}.`);
  const message = 'Every process that ran it ended before it made progress. Resume it, or contact support.';
  await fail(em, kinds, job, operation, new AppError('INTERNAL', 'IMPORT_CRASHED', message));
}

function isAtWork({ state }: Operation): boolean {
  return state === 'RUNNING' || state === 'UNDOING';
}

/** @throws the error itself when the operation has ended and only its leftovers remain */
async function fail(em: EntityManager, kinds: OperationKinds, job: Job, at: Operation, error: unknown): Promise<void> {
  if (!isAtWork(at)) throw error;
  if (!(error instanceof AppError)) {
    logger.error(`Operation ${job.operationId} failed.`, error);
  }
  await em.transactional(
    async (transaction) => {
      const id = { tenantId: job.tenantId, id: job.operationId };
      const operation = found(await transaction.findOne(Operation, id, { lockMode: LockMode.PESSIMISTIC_WRITE }));
      if (operation.state !== at.state || !(await holdsJob(transaction, job))) return;
      operation.state = 'FAILED';
      operation.error = operationError(error);
      operation.endTime = new Date();
      if (kinds.of(operation).failedRefusal?.(operation) === undefined) await stop(transaction, operation);
      await notifyOfFailure(transaction, operation, operation.endTime);
    },
    { clear: true },
  );
}

async function notifyOfFailure(
  em: EntityManager,
  { id, tenantId, undoneBy, createdBy }: Operation,
  endTime: Date,
): Promise<void> {
  const userId = ownerIdOf(undoneBy ?? createdBy);
  if (userId === undefined) return;
  const record = { cause: `operation/${id}@${endTime.toISOString()}`, recordType: 'operation', recordId: id };
  const notice = { ...record, kind: 'OPERATION_FAILED' as const, userId };
  await transactionPipeline(em, statementsFor(tenantId, 'service:operations', [notice]));
}

/** Shows callers only errors that are meant for them. */
function operationError(error: unknown): OperationError {
  if (error instanceof AppError) {
    const { code, message, reason, violations } = error;
    return { code, reason: violations[0]?.reason ?? reason, message: storable(message) };
  }
  if (isTransient(error)) {
    const message = 'Conflicting writes or database errors stopped it. Resume it.';
    return { code: 'ABORTED', reason: 'IMPORT_CONFLICT', message };
  }
  return {
    code: 'INTERNAL',
    reason: 'INTERNAL',
    message: 'An internal error stopped it. Resume it, or contact support.',
  };
}
