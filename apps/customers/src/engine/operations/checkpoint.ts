import { setTimeout as delay } from 'node:timers/promises';
import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { isConflict, isUniqueViolation } from '@rapport/persistence';
import { holdsJob, noteProgress, type Job } from './operation-jobs.js';
import { found } from './operation-message.js';
import { Operation, type OperationState } from './operation.entity.js';

/**
 * Thrown where work on an operation must stop: somebody has paused or ended it, another worker has it, or it is not where
 * this one thinks. What to do next is in its row.
 */
export class OperationMoved extends Error {}

/** What work on an operation starts from. */
export interface Checkpoint {
  state: OperationState;
  /** The progress that the work goes on from: rows done, or customers seen to. */
  done: number;
}

export function doneOf({ state, counts }: Operation): number {
  return state === 'UNDOING' ? counts.undone + counts.issues : counts.rows;
}

/** How often a step is tried that other writes are in the way of. */
const maxTries = 10;

/**
 * Does one step of the work on an operation: in one transaction its changes, and in the operation's row how far it is
 * then. Nothing is done unless the operation is where `checkpoint` says, so a worker that was given up but is still alive
 * can neither repeat nor skip a step. A step that met another write is done again from its start.
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
        // Last, since nobody can renew the lease from here to the commit.
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
