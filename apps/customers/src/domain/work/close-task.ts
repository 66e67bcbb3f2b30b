import { TaskStatus, type Task } from '@rapport/contracts/rapport/work/v1/task';
import type { TaskCompletion } from '@rapport/contracts/rapport/work/v1/task_actions_service';
import { checkEtag, etagVersion, type StatementTransaction } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { effectsOf } from '../../engine/records/effects.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { newRecord } from '../../engine/records/record-changes.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { insertRecords, liveRecords } from '../../engine/records/record-statements.js';
import { newLinks } from '../../engine/records/references.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import { changeRecord, readForChange, type Known, type RecordRequest } from '../../engine/write/write-record.js';
import { followingTask } from './recurring-task.js';
import { isClosed } from './due-task.js';
import { tasks } from './tasks.js';

/**
 * Handles CompleteTask and SkipTask. The row of the task is locked, and names the task that follows it: of several calls,
 * the first creates that.
 */
export async function closeTask(
  transaction: StatementTransaction,
  { id, etag }: RecordRequest,
  status: TaskStatus.DONE | TaskStatus.CANCELLED,
): Promise<TaskCompletion> {
  const { record, ...known } = await readForChange(transaction, tasks, id, await readTask(transaction, id));
  const before = await liveRecord(transaction, tasks, id, record);
  if (before.status === status) {
    checkEtag(etag, etagVersion(before.etag));
    return { task: before, nextTask: await readTask(transaction, before.nextTaskId) };
  }
  if (isClosed(before)) throw taskClosed(before);
  if (status === TaskStatus.CANCELLED && !before.recurrence) {
    throw new AppError('FAILED_PRECONDITION', 'TASK_NOT_RECURRING', 'The task has no recurrence.');
  }
  const completeTime = new Date().toISOString();
  const wanted = before.nextTaskId === undefined ? followingTask(before, Date.parse(completeTime)) : undefined;
  const nextTask = wanted && (await newTask(transaction, wanted, known));
  const nextTaskId = nextTask?.id ?? before.nextTaskId;
  const changes = { ...before, status, completeTime, nextTaskId };
  const mask = ['status', 'completeTime', 'nextTaskId'];
  const task = await changeRecord(transaction, tasks, before, known, { changes, mask, etag });
  return { task, nextTask: nextTask ?? (await readTask(transaction, nextTaskId)) };
}

export function taskClosed({ status }: Task): AppError {
  const what = status === TaskStatus.DONE ? 'completed' : 'cancelled';
  return new AppError('FAILED_PRECONDITION', 'TASK_CLOSED', `The task is ${what}. Reopen it first.`);
}

/** Stores a task that follows another one. It loses references to records that have been deleted since. */
async function newTask(
  transaction: StatementTransaction,
  content: Partial<Task>,
  { linked, customFields }: Known,
): Promise<Task> {
  const wanted: Task = { ...tasks.empty(), ...content };
  const links = newLinks(tasks, wanted, customFields);
  await linked.lock(transaction, links);
  const missing = new Set(linked.violations(links).map(({ field }) => field));
  const related = wanted.related.filter((_, index) => !missing.has(`related[${index}].id`));
  const task = newRecord(tasks, { ...wanted, related }, linked);
  await currentSeal()?.prepare([tasks.subjectOf(task)]);
  transaction.later(
    insertRecords(tasks, [task], customFields),
    ...effectsOf(tasks, [linked.change(tasks, undefined, task)]),
  );
  return task;
}

async function readTask(transaction: StatementTransaction, id: string | undefined): Promise<Task | undefined> {
  if (id === undefined) return undefined;
  const [task] = await openStored(tasks, await transaction.rows<StoredRecord<Task>>(liveRecords(tasks, [id])));
  return task;
}
