import { useQueries } from '@tanstack/react-query';
import { useMay } from '../../app/resource.ts';
import { invalidate } from '../../contract/api.ts';
import { patch } from '../../contract/in-turn.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { wholeQuery } from '../../contract/whole-list.ts';
import { addDays, dayOf, dayText, momentOf } from '../home/home-data.ts';

export type EntryKind = 'meetings' | 'calls' | 'tasks';

/** A meeting, a call or a task on the calendar. */
export interface Entry {
  id: string;
  kind: EntryKind;
  record: Json;
  title: string;
  start: Date;
  end: Date;
  /** First and last day, at 00:00 UTC, of what has no hours. */
  days?: readonly [Date, Date];
  /** A task that is completed, or a meeting that was called off. */
  isDone: boolean;
}

/** Height that a task has, and the least of others, in minutes. */
const leastMinutes = 30;
/** Longest meeting of whole days that begins before the shown ones. */
const longestDays = 31;

/**
 * What is on the days from `from` until before `to`, and whether that is not all.
 *
 * @param isMine whether only what the person owns, or all that the session sees
 */
export function useEntries(from: Date, to: Date, isMine: boolean): { entries: Entry[]; isCut: boolean } {
  const may = useMay();
  const [a, b] = [momentOf(from).toISOString(), momentOf(to).toISOString()];
  const [first, last] = [dayText(from), dayText(addDays(to, -1))];
  const before = dayText(addDays(from, -longestDays));
  const own = isMine ? 'ownerId = me AND ' : '';
  const lists: readonly (readonly [EntryKind, string, string])[] = [
    [
      'meetings',
      'listMeetings',
      `((startTime < "${b}" AND endTime > "${a}") OR (startDate >= ${before} AND startDate <= ${last}))`,
    ],
    ['calls', 'listCalls', `(startTime >= "${a}" AND startTime < "${b}")`],
    [
      'tasks',
      'listTasks',
      `((dueTime >= "${a}" AND dueTime < "${b}") OR (dueDate >= ${first} AND dueDate <= ${last}))`,
    ],
  ];
  return useQueries({
    queries: lists.map(([kind, list, condition]) => ({
      ...wholeQuery(list, kind, { filter: own + condition }, may(list)),
      placeholderData: (known: Json | undefined) => known,
    })),
    combine: (answers) => ({
      entries: lists
        .flatMap(([kind], index) => itemsAt(answers[index]?.data, kind).map((record) => entryOf(kind, record)))
        .filter(({ days, start, end }) =>
          days ? days[1] >= from && days[0] < to : end >= momentOf(from) && start < momentOf(to),
        )
        .toSorted((one, other) => one.start.getTime() - other.start.getTime()),
      isCut: answers.some(({ data }) => textAt(data, 'nextPageToken') !== ''),
    }),
  });
}

function entryOf(kind: EntryKind, record: Json): Entry {
  const start = new Date(textAt(record, 'startTime') || textAt(record, 'dueTime'));
  const seconds = Number(record.durationSeconds ?? 0);
  const end = textAt(record, 'endTime');
  const first = textAt(record, 'startDate') || textAt(record, 'dueDate');
  const isDay = Number.isNaN(start.getTime());
  const days = [first, textAt(record, 'endDate') || first].map((day) => new Date(`${day}T00:00:00Z`));
  return {
    id: textAt(record, 'id'),
    kind,
    record,
    title: textAt(record, 'subject'),
    start: isDay ? momentOf(days[0] ?? new Date()) : start,
    end: end === '' ? new Date(start.getTime() + seconds * 1_000) : new Date(end),
    ...(isDay && { days: [days[0], days[1]] as [Date, Date] }),
    isDone: ['DONE', 'CANCELLED'].includes(textAt(record, kind === 'tasks' ? 'status' : 'outcome')),
  };
}

/** Where an entry is on one day, in minutes of the clock, and which of how many columns it has there. */
export interface Placed {
  entry: Entry;
  from: number;
  to: number;
  track: number;
  tracks: number;
}

/** The entries of a day with hours. Those at the same time are beside each other. */
export function placeOn(day: Date, entries: readonly Entry[]): Placed[] {
  const [begin, end] = [momentOf(day), momentOf(addDays(day, 1))];
  const placed: Placed[] = [];
  let cluster: Placed[] = [];
  for (const entry of entries) {
    const isOn = entry.start < end && (entry.end > begin || (entry.start >= begin && entry.end >= begin));
    if (entry.days || !isOn) continue;
    const from = entry.start < begin ? 0 : minutesOf(entry.start);
    const to = Math.min(1_440, Math.max(from + leastMinutes, entry.end >= end ? 1_440 : minutesOf(entry.end)));
    if (cluster.every((each) => each.to <= from)) cluster = [];
    const taken = new Set(cluster.filter((each) => each.to > from).map(({ track }) => track));
    const track = Array.from({ length: taken.size + 1 }, (_, at) => at).find((at) => !taken.has(at)) ?? 0;
    cluster.push({ entry, from, to, track, tracks: 1 });
    const tracks = Math.max(...cluster.map((each) => each.track)) + 1;
    for (const each of cluster) each.tracks = tracks;
    placed.push(cluster.at(-1)!);
  }
  return placed;
}

/** Of the clock in the zone of the browser, since midnight. */
export function minutesOf(moment: Date): number {
  return moment.getHours() * 60 + moment.getMinutes();
}

/** An entry that begins at another time of another day. It keeps its length. */
export function movedTo(entry: Entry, day: Date, minutes: number): Entry {
  const start = momentOf(day, minutes);
  return { ...entry, start, end: new Date(start.getTime() + entry.end.getTime() - entry.start.getTime()) };
}

/** The operations that move entries. */
export const updates = { meetings: 'updateMeeting', calls: 'updateCall', tasks: 'updateTask' } as const;

/** Saves when an entry is. @returns its record @throws Problem, such as 412 when its time has changed since it was read */
export async function saveTimes({ kind, record, start, end }: Entry): Promise<Json> {
  const [from, to] = [start.toISOString(), end.toISOString()];
  const body = {
    meetings: { startTime: from, endTime: to },
    calls: { startTime: from },
    tasks: { dueTime: from },
  }[kind];
  const saved = await patch(kind, record, body);
  await invalidate(kind);
  return saved;
}

const weekdays = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'];

/** The first day of the week of a day. @param start such as `MONDAY`, as the settings say it */
export function weekFrom(day: Date, start: string): Date {
  const first = Math.max(0, weekdays.indexOf(start === '' ? 'MONDAY' : start));
  return addDays(day, -((day.getUTCDay() - first + 7) % 7));
}

/** The day of an entry. */
export function dayOfEntry({ start, days }: Entry): Date {
  return days?.[0] ?? dayOf(start);
}
