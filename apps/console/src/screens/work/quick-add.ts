import { addDays, dayText, momentOf } from '../home/home-data.ts';

/** Words of a language that name days: what `today` and `tomorrow` are, and seven weekdays from Monday, short and long. */
export interface DayWords {
  today: string;
  tomorrow: string;
  weekdays: readonly (readonly string[])[];
}

export interface NewTask {
  subject: string;
  priority?: 'HIGH' | 'URGENT';
  /** At 00:00 UTC. */
  day: Date;
  /** Of the clock, from midnight. */
  minutes?: number;
}

/**
 * A task from one line: the words at its end say when it is due and how urgent it is, such as `Call Ada fri 15:00 !`. Due today, unless
 * it says another day.
 */
export function taskOf(line: string, today: Date, words: DayWords): NewTask {
  const parts = line.trim().split(/\s+/);
  const found: Partial<NewTask> = {};
  while (parts.length > 1) {
    const read = readPart(parts.at(-1) ?? '', today, words);
    if (!read || Object.keys(read).some((key) => key in found)) break;
    Object.assign(found, read);
    parts.pop();
  }
  return { day: today, ...found, subject: parts.join(' ') };
}

function readPart(part: string, today: Date, words: DayWords): Partial<NewTask> | undefined {
  const word = part.toLowerCase();
  const [, hours, minutes] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(word) ?? [];
  if (hours !== undefined) return { minutes: Number(hours) * 60 + Number(minutes) };
  if (word === '!' || word === '！') return { priority: 'HIGH' };
  if (word === '!!' || word === '！！') return { priority: 'URGENT' };
  if (word === words.today.toLowerCase()) return { day: today };
  if (word === words.tomorrow.toLowerCase()) return { day: addDays(today, 1) };
  const [, days] = /^\+(\d{1,3})$/.exec(word) ?? [];
  if (days !== undefined) return { day: addDays(today, Number(days)) };
  if (/^\d{4}-\d\d-\d\d$/.test(word) && !Number.isNaN(Date.parse(word))) return { day: new Date(word) };
  const weekday = words.weekdays.findIndex((names) => names.some((name) => name.toLowerCase() === word));
  if (weekday < 0) return undefined;
  return { day: addDays(today, ((weekday - ((today.getUTCDay() + 6) % 7) + 6) % 7) + 1) };
}

/** The fields of a task that say when it is due. */
export function dueOf({ day, minutes }: NewTask, timeZone: string): object {
  if (minutes === undefined) return { dueDate: dayText(day), timeZone };
  return { dueTime: momentOf(day, minutes).toISOString() };
}
