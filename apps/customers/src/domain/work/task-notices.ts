import type { Task } from '@rapport/contracts/rapport/work/v1/task';
import {
  cancelStatement,
  queryRows,
  timerStatement,
  transactionPipeline,
  type TimerHandler,
  type TransactionStatement,
} from '@rapport/persistence';
import { currentCaller, ownerIdOf } from '@rapport/platform';
import type { Notice, RecordChange } from '../../engine/fields/record-definition.js';
import { noticeStatements } from '../../engine/records/notices.js';
import { dueMs, isClosed } from './due-task.js';

/** Kind of the timers that notify of due tasks. */
export const dueKind = 'task.due';

/** Whom a task reminds: its owner, or else its creator. */
function recipientOf(ownerId: string | undefined, createdBy: string): string | undefined {
  return ownerId ?? ownerIdOf(createdBy);
}

/** A reminder has stamped the task. */
export function reminded({ before, after }: RecordChange<Task>): Notice[] {
  const { id, ownerId, createdBy, remindedTime } = after;
  const userId = recipientOf(ownerId, createdBy);
  if (remindedTime === undefined || remindedTime === before?.remindedTime || userId === undefined) return [];
  const record = { cause: `task/${id}@${remindedTime}`, recordType: 'task', recordId: id, time: remindedTime };
  return [{ ...record, kind: 'REMINDER', userId }];
}

/** The statements that keep the timers of changed tasks at their due times. A task that is due already has none. */
export function dueStatements(
  changes: readonly Pick<RecordChange<Task>, 'before' | 'after'>[],
): TransactionStatement[] {
  return changes.flatMap(({ before, after }) => {
    const due = heldDueMs(after);
    if (due === (before && heldDueMs(before))) return [];
    const target = { tenantId: currentCaller().tenantId, recordType: 'task', recordId: after.id, purpose: 'due' };
    if (due !== undefined && due > Date.now()) {
      return [timerStatement({ ...target, kind: dueKind, dueTime: new Date(due) })];
    }
    return before ? [cancelStatement(target)] : [];
  });
}

/** When an open task is due, or its snooze ends. */
function heldDueMs(task: Task): number | undefined {
  const due = dueMs(task);
  if (due === undefined || isClosed(task) || task.deleteTime !== undefined) return undefined;
  return task.snoozeTime === undefined ? due : Math.max(due, Date.parse(task.snoozeTime));
}

/** The task has not been closed or moved since the timer was set: both end it. */
export const notifyOfDueTask: TimerHandler = async (em, { tenantId, recordId, dueTime }) => {
  const [task] = await queryRows<{ owner_id: string | null; created_by: string }>(em, {
    name: 'task_that_is_due',
    sql: 'select owner_id, created_by from task where tenant_id = $1 and id = $2 and delete_time is null',
    values: [tenantId, recordId],
  });
  const userId = task && recipientOf(task.owner_id ?? undefined, task.created_by);
  if (userId === undefined) return;
  const time = dueTime.toISOString();
  const record = { cause: `task/${recordId}@${time}`, recordType: 'task', recordId, time };
  await transactionPipeline(em, noticeStatements([{ ...record, kind: 'DUE', userId }]));
};
