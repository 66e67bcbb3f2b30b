import type { Task } from '@rapport/contracts/rapport/work/v1/task';
import {
  cancelStatement,
  queryRows,
  timerStatement,
  type TimerHandler,
  type TransactionStatement,
} from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { recordType } from '../../engine/fields/record-type.js';
import { rewriteRecords } from '../../engine/merge/moving/move-lists.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import { dueMs, isClosed } from './due-task.js';

/** Kind of the timers. A task has one: for its next reminder. */
export const reminderKind = 'task.reminder';

/** The statements that keep the timers of changed tasks at their next reminders. */
export function reminderStatements(
  changes: readonly Pick<RecordChange<Task>, 'before' | 'after'>[],
): TransactionStatement[] {
  return changes.flatMap(({ before, after }) => {
    const next = nextReminderMs(after);
    if (next === (before && nextReminderMs(before))) return [];
    const target = { tenantId: currentCaller().tenantId, recordType: 'task', recordId: after.id };
    if (next === undefined) return [cancelStatement({ ...target, purpose: 'next' })];
    return [timerStatement({ ...target, kind: reminderKind, purpose: 'next', dueTime: new Date(next) })];
  });
}

/** Stamps the task, so that the change log, webhooks and clients have the reminder. */
export const remindOfTask: TimerHandler = async (em, { tenantId, recordId, dueTime }) => {
  // Who waits for the task may wait for its timer in turn. A task that is locked is reminded of a second later.
  const [task] = await queryRows<{ id: string }>(em, {
    name: 'lock_task_to_remind_of',
    sql: 'select id from task where tenant_id = $1 and id = $2 for update nowait',
    values: [tenantId, recordId],
  });
  if (!task) return;
  await Sealing.of(em).run(em, () =>
    rewriteRecords(em, recordType<Task>('rapport/Task'), [recordId], (record) => ({
      ...record,
      remindedTime: dueTime.toISOString(),
    })),
  );
};

/** The time of the first reminder after the last one. Undefined without one, and for a closed or deleted task. */
export function nextReminderMs(task: Task): number | undefined {
  if (isClosed(task) || task.deleteTime !== undefined) return undefined;
  const due = dueMs(task);
  const snoozed = task.snoozeTime === undefined ? [] : [Date.parse(task.snoozeTime)];
  const times = task.reminders.flatMap(({ beforeSeconds, time }) => {
    if (time !== undefined) return [Date.parse(time)];
    return due === undefined || beforeSeconds === undefined ? [] : [due - beforeSeconds * 1_000];
  });
  const held = [...snoozed, ...times.map((time) => Math.max(time, ...snoozed))];
  const last = Date.parse(task.remindedTime ?? task.createTime ?? '');
  const next = Math.min(...held.filter((time) => time > last));
  return Number.isFinite(next) ? next : undefined;
}
