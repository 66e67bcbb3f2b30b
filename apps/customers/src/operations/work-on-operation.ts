import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { LockMode, UniqueConstraintViolationException, type EntityManager } from '@mikro-orm/postgresql';
import type { OperationError } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { isConflict, isConnectionLoss, isStatementTimeout } from '@rapport/persistence';
import { AppError, callContext } from '@rapport/platform';
import { doneOf, doStep, OperationMoved } from './checkpoint.js';
import { clearOperation, finishJob } from './clear-operation.js';
import { holdsJob, type Job } from './operation-jobs.js';
import { found } from './operation-message.js';
import { Operation } from './operation.entity.js';
import { runImport } from './run-import.js';
import { cancel } from './steer-operation.js';
import { undoImport } from './undo-import.js';

const logger = new Logger('Operations');

/** How often work is taken up again that gets no further, before its operation has failed. */
const maxFailures = 20;

/** Does whatever an operation needs until it needs no worker, the job is another's, or `signal` says to stop. */
export async function workOnOperation(em: EntityManager, job: Job, signal: AbortSignal): Promise<void> {
  let failures = 0;
  let lastDone = -1;
  while (!signal.aborted && (await holdsJob(em, job))) {
    const operation = await load(em, job);
    if (doneOf(operation) !== lastDone) failures = 0;
    lastDone = doneOf(operation);
    try {
      await asCreator(operation, () => work(em, job, operation, signal));
    } catch (error) {
      if (error instanceof OperationMoved) continue;
      failures += 1;
      if (isTransient(error) && failures < maxFailures)
        await delayUnlessAborted(100 * 2 ** Math.min(failures, 6), signal);
      else await fail(em, job, operation, error);
    }
  }
}

async function load(em: EntityManager, { tenantId, operationId }: Job): Promise<Operation> {
  return found(await em.findOne(Operation, { tenantId, id: operationId }, { disableIdentityMap: true }));
}

/** Changes are attributed to who asked for them. */
function asCreator(operation: Operation, work: () => Promise<void>): Promise<void> {
  const { id, tenantId, undoneBy, createdBy } = operation;
  const caller = { tenantId, principalId: undoneBy ?? createdBy, permissions: [] };
  return callContext.run({ requestId: id, caller }, work);
}

async function work(em: EntityManager, job: Job, operation: Operation, signal: AbortSignal): Promise<void> {
  const { state } = operation;
  switch (state) {
    case 'WAITING':
      // Its job comes due only when the file has not come in time.
      return doStep(em, job, { state, done: doneOf(operation) }, cancel);
    case 'RUNNING':
      return runImport(em, job, operation, signal);
    case 'UNDOING':
      return undoImport(em, job, operation, signal);
    case 'SUCCEEDED':
    case 'CANCELLED':
    case 'UNDONE':
      await clearOperation(em, job, signal);
      if (!signal.aborted) await finishJob(em, job, state);
      return;
    case 'PAUSED':
    case 'FAILED':
      // It may be resumed, and needs its file then.
      return finishJob(em, job, state);
    default:
      return state satisfies never;
  }
}

function isTransient(error: unknown): boolean {
  return (
    isConnectionLoss(error) ||
    isConflict(error) ||
    isStatementTimeout(error) ||
    error instanceof UniqueConstraintViolationException
  );
}

async function fail(em: EntityManager, job: Job, { state }: Operation, error: unknown): Promise<void> {
  if (!(error instanceof AppError)) {
    logger.error(`Operation ${job.operationId} failed.`, error instanceof Error ? error.stack : String(error));
  }
  await em.transactional(
    async (transaction) => {
      const id = { tenantId: job.tenantId, id: job.operationId };
      const operation = found(await transaction.findOne(Operation, id, { lockMode: LockMode.PESSIMISTIC_WRITE }));
      if (operation.state !== state || !(await holdsJob(transaction, job))) return;
      operation.state = 'FAILED';
      operation.error = operationError(error);
      operation.endTime = new Date();
    },
    { clear: true },
  );
}

/** Only what was meant for a caller is told. */
function operationError(error: unknown): OperationError {
  if (error instanceof AppError) {
    const { code, message, reason, violations } = error;
    return { code, reason: violations[0]?.reason ?? reason, message };
  }
  if (isTransient(error)) {
    const message = 'Other writes or the database kept it from going on. Resume it.';
    return { code: 'ABORTED', reason: 'IMPORT_CONFLICT', message };
  }
  return { code: 'INTERNAL', reason: 'INTERNAL', message: 'Something went wrong. Resume it, or ask for help.' };
}

async function delayUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
