import { dayAt, momentOf, offsetMs } from '@rapport/contracts/filters';
import {
  TaskRecurrence_Missed as Missed,
  TaskRecurrence_Mode as Mode,
  TaskStatus,
  type Task,
} from '@rapport/contracts/rapport/work/v1/task';
import type { FieldViolation } from '@rapport/platform';
import {
  followingOccurrence,
  recurrenceFaults,
  type MissedMode,
  type Recurrence,
  type RecurrenceMode,
} from '@rapport/time';
import { zoneOf } from './due-task.js';
import { violation } from './time-zone.js';

/** The occurrence that a new recurring task is for: its due day, or the instant at which it is due. */
export function occurrenceOf({ dueDate, dueTime }: Task): string | undefined {
  return dueDate ?? dueTime;
}

/** The recurrence of a task that has one and is due, with its start in the form of the due day or time. */
export function withStart(task: Task): Task['recurrence'] {
  const { recurrence } = task;
  const due = localDue(task);
  if (!recurrence || due === undefined) return recurrence;
  const { start = due } = recurrence;
  return { ...recurrence, start: start.length === due.length ? start : due };
}

/** What is wrong with the recurrence of a task that is due. */
export function recurrenceViolations(task: Task): FieldViolation[] {
  const { recurrence } = task;
  if (!recurrence || localDue(task) === undefined) return [];
  return recurrenceFaults(ruleOf(task, recurrence), modeOf(recurrence.mode)).map(({ field, reason, message }) =>
    violation(pathOf(field), reason, message),
  );
}

function pathOf(field: string): string {
  if (field === 'zone') return 'timeZone';
  return `recurrence.${field === 'rrule' ? 'rule' : field === 'dtstart' ? 'start' : field}`;
}

/** The task of the occurrence that follows a completed one. Undefined without recurrence, and after the last occurrence. */
export function followingTask(task: Task, completedMs: number): Partial<Task> | undefined {
  const { recurrence, dueDate } = task;
  if (!recurrence || task.occurrence === undefined || localDue(task) === undefined) return undefined;
  const following = followingOccurrence(ruleOf(task, recurrence), {
    mode: modeOf(recurrence.mode),
    missed: missedOf(recurrence.missed),
    occurrenceMs: occurrenceMs(task, task.occurrence, recurrence.start),
    completedMs: dueDate === undefined ? completedMs : startOfDay(dayAt(new Date(completedMs), zoneOf(task))),
  });
  if (following === undefined) return undefined;
  const instant = new Date(following).toISOString();
  const due = dueDate === undefined ? { dueTime: instant } : { dueDate: instant.slice(0, 10) };
  const { subject, description, priority, timeZone, seriesId, ownerId, ownerTeamId, customFields, tags, related } =
    task;
  return {
    ...{ subject, description, priority, timeZone, seriesId, ownerId, ownerTeamId, customFields, tags, related },
    ...due,
    status: TaskStatus.OPEN,
    recurrence,
    occurrence: occurrenceOf(due as Task),
    // A reminder at a time belongs to one occurrence.
    reminders: task.reminders.filter(({ beforeSeconds }) => beforeSeconds !== undefined),
  };
}

const noon = '12:00:00';

/** Days repeat at noon in UTC, which has no gap: a clock change never leaves out a day. */
function ruleOf(task: Task, { rule, start, exdates, rdates }: NonNullable<Task['recurrence']>): Recurrence {
  const due = localDue(task) ?? '';
  const isDay = task.dueDate !== undefined;
  const local = (text: string) => `${text.slice(0, 10)}T${isDay ? noon : text.slice(11) || due.slice(11)}`;
  return {
    ...{ rrule: rule, dtstart: local(start ?? due), zone: isDay ? 'UTC' : zoneOf(task) },
    ...{ exdates: exdates.map(local), rdates: rdates.map(local) },
  };
}

/** The due day, or the due time in the zone of the task. */
function localDue({ dueDate, dueTime, ...task }: Task): string | undefined {
  if (dueTime === undefined) return dueDate;
  const ms = Date.parse(dueTime);
  return new Date(ms + offsetMs(ms, zoneOf(task))).toISOString().slice(0, 19);
}

/** The occurrence of a task, or the start of its rule if a later change has moved that beyond it. */
function occurrenceMs({ dueDate, ...task }: Task, occurrence: string, start = ''): number {
  if (dueDate !== undefined) {
    const [day = ''] = [occurrence.slice(0, 10), start.slice(0, 10)].toSorted().reverse();
    return Date.parse(`${day}T${noon}Z`);
  }
  return Math.max(Date.parse(occurrence), Date.parse(momentOf(start, zoneOf(task)) ?? occurrence));
}

function startOfDay(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

function modeOf(mode: Mode): RecurrenceMode {
  return mode === Mode.AFTER_COMPLETION ? 'AFTER_COMPLETION' : 'FIXED';
}

function missedOf(missed: Missed): MissedMode {
  switch (missed) {
    case Missed.SKIP:
      return 'SKIP';
    case Missed.ALL:
      return 'ALL';
    default:
      return 'ONE';
  }
}
