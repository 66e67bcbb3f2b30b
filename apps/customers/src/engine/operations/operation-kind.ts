import type { EntityManager } from '@mikro-orm/postgresql';
import type { Job } from './operation-jobs.js';
import type { Operation } from './operation.entity.js';

/** An operation that a worker runs. */
export interface OperationTask {
  em: EntityManager;
  job: Job;
  /** The operation as of the start of the work. */
  operation: Operation;
  /** Aborted when the worker must stop working on it. */
  signal: AbortSignal;
}

/**
 * Continues an operation from its checkpoint, in steps (`doStep`), until it is done or `signal` is aborted.
 *
 * @throws OperationMoved when the operation was changed meanwhile
 */
export type OperationWork = (task: OperationTask) => Promise<void>;

/** The behaviour of one kind of operations. */
export interface OperationKind {
  /** As in the table and in the contract. */
  name: Operation['kind'];
  /** Origin of its changes in the change log. Changes of an undo have the origin `undo`. */
  origin: string;
  run: OperationWork;
  /** How an operation is undone, or the error message of a kind that cannot be undone. */
  undo: OperationUndo | { refusal: string };
  /**
   * @throws AppError FAILED_PRECONDITION when the operation can't be resumed now, PERMISSION_DENIED when the caller
   *   isn't allowed to
   */
  checkResume?(operation: Operation): void;
  /** The error message of a kind that cannot be cancelled. When absent, an operation that is not resumed within 7 days is cancelled. */
  cancelRefusal?: string;
  /** Tables whose rows a worker deletes when an operation has ended. */
  leftovers: readonly Leftovers[];
  /** Undoes side effects of an ended operation, before its leftovers are deleted. It may run more than once. */
  clear?: OperationWork;
  /** The error message of a failed operation that can't be resumed: its leftovers are deleted at once. */
  failedRefusal?(operation: Operation): string | undefined;
  /** The error message of a kind that can't be paused. */
  pauseRefusal?: string;
}

interface OperationUndo {
  /** @throws AppError FAILED_PRECONDITION when an operation that has ended can't be undone */
  check(operation: Operation): void;
  run: OperationWork;
}

/** A table with rows of operations, and the number of rows that one statement removes. */
export interface Leftovers {
  table: string;
  limit: number;
  /** Column with the id of the operation. `operation_id` when absent. */
  column?: string;
  /** SQL: whether a row is retained. */
  unless?: string;
}

/** All kinds of operations. */
export class OperationKinds {
  /** @param doOther runs a job without an operation, in short steps, after the kinds' leftovers are deleted */
  constructor(
    readonly all: readonly OperationKind[],
    readonly doOther: (em: EntityManager, job: Job, signal: AbortSignal) => Promise<void> = () => Promise.resolve(),
  ) {}

  of({ id, kind }: Operation): OperationKind {
    const found = this.all.find(({ name }) => name === kind);
    if (!found) throw new Error(`Operation ${id} has the unknown kind ${kind}.`);
    return found;
  }
}
