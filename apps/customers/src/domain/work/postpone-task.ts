import { TaskStatus, type Task } from '@rapport/contracts/rapport/work/v1/task';
import type { SnoozeTaskRequest, TaskSnooze } from '@rapport/contracts/rapport/work/v1/task_actions_service';
import type { StatementTransaction } from '@rapport/persistence';
import { invalidField } from '@rapport/platform';
import { liveRecord } from '../../engine/records/missing-record.js';
import { changeRecord, readForChange, type RecordRequest } from '../../engine/write/write-record.js';
import { taskClosed } from './close-task.js';
import { isClosed } from './due-task.js';
import { tasks } from './tasks.js';

/** Handles ReopenTask. */
export async function reopenTask(transaction: StatementTransaction, { id, etag }: RecordRequest): Promise<Task> {
  const { record, ...known } = await readForChange(transaction, tasks, id);
  const before = await liveRecord(transaction, tasks, id, record);
  const changes = isClosed(before) ? { ...before, status: TaskStatus.OPEN, completeTime: undefined } : before;
  return changeRecord(transaction, tasks, before, known, { changes, mask: ['status', 'completeTime'], etag });
}

/** Handles SnoozeTask. */
export async function snoozeTask(
  transaction: StatementTransaction,
  { id, snooze, etag }: SnoozeTaskRequest,
): Promise<Task> {
  const snoozeTime = snoozeUntil(snooze);
  const { record, ...known } = await readForChange(transaction, tasks, id);
  const before = await liveRecord(transaction, tasks, id, record);
  if (isClosed(before)) throw taskClosed(before);
  const changes = { ...before, snoozeTime };
  return changeRecord(transaction, tasks, before, known, { changes, mask: ['snoozeTime'], etag });
}

function snoozeUntil(snooze: TaskSnooze | undefined): string {
  const { until, durationSeconds } = snooze ?? {};
  if ((until === undefined) === (durationSeconds === undefined)) {
    throw invalidField('snooze', 'BAD_FORMAT', 'must have either until or durationSeconds');
  }
  const nowMs = Date.now();
  const untilMs = until === undefined ? nowMs + (durationSeconds ?? 0) * 1_000 : Date.parse(until);
  if (untilMs <= nowMs) throw invalidField('snooze.until', 'IN_PAST', 'must be in the future');
  return new Date(untilMs).toISOString();
}
