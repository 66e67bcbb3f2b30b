import type { EntityManager } from '@mikro-orm/postgresql';
import type { Job } from './operation-jobs.js';
import type { Operation } from './operation.entity.js';

/** An operation that a worker works on. */
export interface OperationTask {
  em: EntityManager;
  job: Job;
  /** As it was when the work on it began. */
  operation: Operation;
  /** Aborted when the worker has to leave it. */
  signal: AbortSignal;
}

/**
 * Works on an operation from where it stands, in steps (`doStep`), until nothing is left to do or it has to be left.
 *
 * @throws OperationMoved when the operation was changed meanwhile
 */
export type OperationWork = (task: OperationTask) => Promise<void>;

/** What the operations of one kind do, and what can be asked of them. */
export interface OperationKind {
  /** As in the table and in the contract. */
  name: Operation['kind'];
  /** The origin that the change log has of what one does. It is `undo` while one is undone. */
  origin: string;
  run: OperationWork;
  /** How what one did is taken back, or why it can't be, as the message of an error. */
  undo: OperationUndo | { refusal: string };
  /** @throws AppError FAILED_PRECONDITION when none of the caller's tenant can be resumed now, whatever its state */
  checkResume?(): void;
  /** Why none can be cancelled, as the message of an error. When absent, one is cancelled that is not resumed in time. */
  cancelRefusal?: string;
  /** What a worker removes once one has ended. */
  leftovers: readonly Leftovers[];
}

interface OperationUndo {
  /** @throws AppError FAILED_PRECONDITION when an operation that has ended can't be undone */
  check(operation: Operation): void;
  run: OperationWork;
}

/** A table with rows of operations, and how many rows one statement removes. */
export interface Leftovers {
  table: string;
  limit: number;
  /** Column with the id of the operation. `operation_id` when absent. */
  column?: string;
  /** SQL: whether a row stays. */
  unless?: string;
}

/** All kinds of operations. */
export class OperationKinds {
  /** @param others what jobs remove that are of no operation, besides what the kinds leave */
  constructor(
    readonly all: readonly OperationKind[],
    readonly others: readonly Leftovers[] = [],
  ) {}

  of({ id, kind }: Operation): OperationKind {
    const found = this.all.find(({ name }) => name === kind);
    if (!found) throw new Error(`Nothing is known of the kind ${kind} of operation ${id}.`);
    return found;
  }
}
