import { TaskPriority, TaskStatus, type Task } from '@rapport/contracts/rapport/work/v1/task';
import { TasksServiceService } from '@rapport/contracts/rapport/work/v1/tasks_service';
import type { TransactionStatement } from '@rapport/persistence';
import type { FieldViolation } from '@rapport/platform';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { recordContract } from '../../engine/values/contract.js';
import { deadlineOf, isClosed } from './due-task.js';
import { occurrenceOf, recurrenceViolations, withStart } from './recurring-task.js';
import { dueStatements, reminded } from './task-notices.js';
import { reminderStatements } from './task-reminders.js';
import { timeZoneViolations, violation } from './time-zone.js';

const normalise = normaliserOf<Task>(recordContract('rapport/Task'));

/** Tasks: work to be done, once or again and again. */
export const tasks = defineRecord<Task>('rapport/Task', TasksServiceService, {
  indexVersion: 1,
  normalise(sent, customFields, before) {
    const { record, violations } = normalise(sent, customFields, before);
    const status = record.status || TaskStatus.OPEN;
    const priority = record.priority || TaskPriority.NORMAL;
    return { record: { ...record, status, priority }, violations };
  },
  guard: ({ before, after }: RecordChange<Task>) => {
    const zone = timeZoneViolations(after.timeZone);
    const recurrence = zone.length === 0 ? recurrenceViolations({ ...after, recurrence: withStart(after) }) : [];
    return [...zone, ...dueViolations(after), ...recurrence, ...closing(before, after)];
  },
  stamp({ before, after }, now) {
    const wasClosed = before !== undefined && isClosed(before);
    const completeTime = isClosed(after) ? (after.completeTime ?? (wasClosed ? before.completeTime : now)) : undefined;
    const { seriesId = after.recurrence && after.id } = after;
    const occurrence = after.recurrence ? (after.occurrence ?? occurrenceOf(after)) : after.occurrence;
    return { completeTime, seriesId, occurrence, recurrence: withStart(after), deadline: deadlineOf(after) };
  },
  also: timersOf,
  restored: (records) => timersOf(records.map((after) => ({ before: undefined, after }))),
  mentionsIn: ['description'],
  notices: reminded,
  openStatuses: ['OPEN', 'IN_PROGRESS', 'WAITING'],
});

export const TasksController = recordController(tasks, TasksServiceService);

/** The timers of changed tasks: their reminders, and their due times. */
function timersOf(changes: readonly Pick<RecordChange<Task>, 'before' | 'after'>[]): TransactionStatement[] {
  return [...reminderStatements(changes), ...dueStatements(changes)];
}

function dueViolations({ dueTime, dueDate, reminders, recurrence }: Task): FieldViolation[] {
  const hasDue = dueTime !== undefined || dueDate !== undefined;
  const needsDue = 'needs dueTime or dueDate';
  return [
    ...(dueTime !== undefined && dueDate !== undefined
      ? [violation('dueDate', 'CONFLICTING_FIELDS', 'can not be set together with dueTime')]
      : []),
    ...(recurrence && !hasDue ? [violation('recurrence', 'NOT_ALLOWED', needsDue)] : []),
    ...reminders.flatMap(({ beforeSeconds, time }, index) => {
      const field = `reminders[${index}]`;
      if ((beforeSeconds === undefined) === (time === undefined))
        return [violation(field, 'BAD_FORMAT', 'must have either beforeSeconds or time')];
      return beforeSeconds === undefined || hasDue ? [] : [violation(field, 'NOT_ALLOWED', needsDue)];
    }),
  ];
}

/** Only the methods that complete and skip tasks set the complete time: an update that closes a task leaves it to `stamp`. */
function closing(before: Task | undefined, after: Task): FieldViolation[] {
  const closes = isClosed(after) && !(before && isClosed(before));
  const isFollowed = after.nextTaskId !== undefined || after.completeTime !== undefined;
  if (!closes || !after.recurrence || isFollowed) return [];
  return [violation('status', 'RECURRING', 'of a recurring task can only be changed by :complete and :skip')];
}
