import { startOfDayMs } from '@rapport/contracts/filters';
import { TaskStatus, type Task } from '@rapport/contracts/rapport/work/v1/task';

export function isClosed({ status }: Pick<Task, 'status'>): boolean {
  return status === TaskStatus.DONE || status === TaskStatus.CANCELLED;
}

/** The zone of a task's days. */
export function zoneOf({ timeZone }: Pick<Task, 'timeZone'>): string {
  return timeZone ?? 'UTC';
}

/** When a task is due first: its time, or the start of its day. In milliseconds since the epoch. */
export function dueMs(task: Task): number | undefined {
  if (task.dueTime !== undefined) return Date.parse(task.dueTime);
  return task.dueDate === undefined ? undefined : startOfDayMs(task.dueDate, zoneOf(task));
}

/** When a task becomes overdue: its time, or the end of its day. */
export function deadlineOf(task: Task): string | undefined {
  if (task.dueDate === undefined) return task.dueTime;
  const next = new Date(Date.parse(`${task.dueDate}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
  return new Date(startOfDayMs(next, zoneOf(task))).toISOString();
}
