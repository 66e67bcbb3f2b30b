import { useState } from 'react';
import { format, locale, t } from '../../app/language.ts';
import { call, invalidate, Problem } from '../../contract/api.ts';
import { patch } from '../../contract/in-turn.ts';
import { isJson, textAt, type Json } from '../../contract/json.ts';
import { notify } from '../../kit/notices.ts';
import { addDays, dayOf, momentOf } from '../home/home-data.ts';

/** The condition of tasks that are still to be done. */
export const openTasks = 'status IN (OPEN, IN_PROGRESS, WAITING)';

export type When = 'overdue' | 'today' | 'next' | 'snoozed';

/** Where a task stands among others: what is held back until later is apart, and what is late comes first. */
export function whenOf(task: Json, now: Date): When {
  if (Date.parse(textAt(task, 'snoozeTime')) > now.getTime()) return 'snoozed';
  if (isOverdue(task, now)) return 'overdue';
  const due = dueDay(task);
  return due && due <= dayOf(now) ? 'today' : 'next';
}

export function isOverdue(task: Json, now: Date): boolean {
  return Date.parse(textAt(task, 'deadline')) <= now.getTime();
}

/** The day on which a task is due, in the zone of the browser; undefined for one without a day. */
function dueDay(task: Json): Date | undefined {
  const [time, date] = [textAt(task, 'dueTime'), textAt(task, 'dueDate')];
  if (time !== '') return dayOf(new Date(time));
  return date === '' ? undefined : new Date(`${date}T00:00:00Z`);
}

/** The day of a task in a word or two, with its hour: `Tomorrow, 15:00`. */
export function dueText(task: Json, now: Date): string {
  const [due, time] = [dueDay(task), textAt(task, 'dueTime')];
  if (!due) return '';
  const days = Math.round((due.getTime() - dayOf(now).getTime()) / 86_400_000);
  const near = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(days, 'day');
  const day = Math.abs(days) < 2 ? near.replace(/^./, (letter) => letter.toUpperCase()) : format.weekday(due);
  const hour = time === '' ? '' : format.hour(new Date(time));
  return days === 0 && hour !== '' ? hour : [day, hour].filter((part) => part !== '').join(', ');
}

/** Moments until which a task can be held back. */
export function snoozeChoices(now: Date): { id: string; name: string; until: Date }[] {
  const day = dayOf(now);
  const monday = addDays(day, (8 - day.getUTCDay()) % 7 || 7);
  const choices = [
    { id: 'hour', until: new Date(now.getTime() + 3_600_000) },
    { id: 'evening', until: momentOf(day, 18 * 60) },
    { id: 'tomorrow', until: momentOf(addDays(day, 1), 9 * 60) },
    { id: 'monday', until: momentOf(monday, 9 * 60) },
    { id: 'month', until: momentOf(addDays(day, 30), 9 * 60) },
  ];
  return choices.filter(({ until }) => until > now).map((each) => ({ ...each, name: t(`work.snooze.${each.id}`) }));
}

export interface TaskActs {
  /** Ids of tasks that are on their way out of the list. */
  leaving: ReadonlySet<string>;
  /** Why the last one could not be changed. */
  fault: { id: string; said: string } | undefined;
  complete: (task: Json) => void;
  skip: (task: Json) => void;
  snooze: (task: Json, until: Date) => void;
}

/** What is done with tasks: at once on the screen, and back when the server refuses, or when it is undone. */
export function useTaskActs(): TaskActs {
  const [leaving, setLeaving] = useState<ReadonlySet<string>>(new Set());
  const [fault, setFault] = useState<TaskActs['fault']>();
  const act = async (task: Json, said: string, run: () => Promise<() => Promise<unknown>>) => {
    const id = textAt(task, 'id');
    setLeaving((known) => new Set(known).add(id));
    setFault(undefined);
    try {
      const undo = await run();
      notify(t(said, { subject: textAt(task, 'subject') }), () => undo().then(() => invalidate('tasks')));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setFault({ id, said: error.message });
    }
    await invalidate('tasks');
    setLeaving((known) => new Set([...known].filter((each) => each !== id)));
  };
  const close = (task: Json, operation: string, said: string) => {
    void act(task, said, async () => {
      const { nextTask } = await call(operation, { id: task.id });
      return () => reopen(task, nextTask);
    });
  };
  return {
    leaving,
    fault,
    complete: (task) => close(task, 'completeTask', 'work.completed'),
    skip: (task) => close(task, 'skipTask', 'work.skipped'),
    snooze: (task, until) => {
      const [body, before] = [{ until: until.toISOString() }, task.snoozeTime ?? null];
      void act(task, 'work.wasSnoozed', async () => {
        const snoozed = await call('snoozeTask', { id: task.id }, { body });
        return () => patch('tasks', snoozed, { snoozeTime: before });
      });
    },
  };
}

/** Opens a task again. The one that followed it goes. */
async function reopen(task: Json, next: unknown): Promise<void> {
  await call('reopenTask', { id: task.id });
  if (isJson(next)) await call('deleteTask', { id: next.id }, { ifMatch: textAt(next, 'etag') });
}
