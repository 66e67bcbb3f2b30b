import { setTimeout as delay } from 'node:timers/promises';
import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { isConflict, isUniqueViolation } from '@rapport/persistence';
import { holdsJob, noteProgress, type Job } from './operation-jobs.js';
import { found } from './operation-message.js';
import { Operation, type OperationState } from './operation.entity.js';

/**
 * Thrown when work on an operation must stop: a call has paused or ended it, another worker holds it, or its state or progress is not
 * as expected. Read its row again to decide how to continue.
 */
export class OperationMoved extends Error {}

/** The state and progress from which work on an operation starts. */
export interface Checkpoint {
  state: OperationState;
  /** Number of rows that are done, or of records that are undone or skipped. */
  done: number;
}

export function doneOf({ state, counts }: Operation): number {
  return state === 'UNDOING' ? counts.undone + counts.issues : counts.rows;
}

/** Most attempts of a step that conflicts with other writes. */
const maxTries = 10;

/**
 * Runs one step of an operation: its changes and the new progress in the operation's row are one transaction. The step runs only if
 * the operation is at `checkpoint`, so a worker that lost its lease but still runs can neither repeat nor skip a step. A step that
 * conflicts with another write is retried from its start.
 *
 * @throws OperationMoved
 */
export async function doStep<Result>(
  em: EntityManager,
  job: Job,
  checkpoint: Checkpoint,
  step: (em: EntityManager, operation: Operation) => Promise<Result>,
): Promise<Result> {
  const id = { tenantId: job.tenantId, id: job.operationId };
  job.turn?.stepBegins();
  const tryStep = () =>
    em.transactional(
      async (transaction) => {
        const lock = { lockMode: LockMode.PESSIMISTIC_WRITE };
        const operation = found(await transaction.findOne(Operation, id, lock));
        const isThere = operation.state === checkpoint.state && doneOf(operation) === checkpoint.done;
        if (!isThere || !(await holdsJob(transaction, job))) throw new OperationMoved();
        const result = await step(transaction, operation);
        // Last, since the lease cannot be renewed from here to the commit.
        await noteProgress(transaction, job);
        return result;
      },
      { clear: true },
    );
  for (let tries = 1; ; tries += 1) {
    try {
      return await tryStep();
    } catch (error) {
      const isRace = isUniqueViolation(error) || isConflict(error);
      if (!isRace || tries === maxTries) throw error;
      await delay(tries * (20 + Math.random() * 80));
    }
  }
}
