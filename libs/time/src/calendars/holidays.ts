import { recurrenceFaults } from '../recurrences/recurrence-faults.js';
import { expand } from '../recurrences/occurrences.js';
import { ical, Temporal, type VEvent } from '../temporal.js';
import { dayMs } from '../zone-clock.js';
import type { YearRange } from './compiled-calendar.js';

export interface Holiday {
  /** `YYYY-MM-DD` */
  date: string;
  name: string;
}

/** An event of a file that is no holiday. */
export interface SkippedEvent {
  name: string;
  reason: 'NOT_ALL_DAY' | 'CANCELLED' | 'TOO_LONG' | 'UNSUPPORTED_RULE';
}

export const holidayLimits = { fileCharacters: 200_000, days: 31, holidays: 1_000, rules: 300 };

/**
 * Reads the holidays of some years from an iCalendar file (RFC 5545): the days of its all-day events. Two events on a date are one
 * holiday with the name of the first.
 *
 * @param text at most `holidayLimits.fileCharacters`
 * @returns undefined if it is no such file
 */
export function readHolidays(
  text: string,
  years: YearRange,
): { holidays: Holiday[]; skipped: SkippedEvent[] } | undefined {
  const events = eventsOf(text);
  if (!events) return undefined;
  const names = new Map<number, string>();
  const skipped: SkippedEvent[] = [];
  let rules = 0;
  for (const event of events) {
    const name = nameOf(event);
    if (event.rrule) rules += 1;
    const span = event.rrule && rules > holidayLimits.rules ? 'UNSUPPORTED_RULE' : spanOf(event, years);
    if (typeof span === 'string') skipped.push({ name, reason: span });
    else addDays(names, name, span, years);
  }
  const holidays = [...names].map(([day, name]) => ({ date: new Date(day * dayMs).toISOString().slice(0, 10), name }));
  return { holidays: holidays.toSorted((one, other) => (one.date < other.date ? -1 : 1)), skipped };
}

/** Adds each day of an event once, although its occurrences overlap, until there are as many as a file may have. */
function addDays(names: Map<number, string>, name: string, { starts, length }: Span, { first, last }: YearRange): void {
  const [firstDay, endDay] = [Date.UTC(first, 0) / dayMs, Date.UTC(last + 1, 0) / dayMs];
  let next = firstDay;
  for (const start of starts) {
    for (let day = Math.max(start, next); day < Math.min(start + length, endDay); day += 1) {
      if (names.size === holidayLimits.holidays) return;
      if (!names.has(day)) names.set(day, name);
      next = day + 1;
    }
  }
}

function eventsOf(text: string): VEvent[] | undefined {
  if (!/^\uFEFF?BEGIN:VCALENDAR\r?\n/.test(text)) return undefined;
  try {
    return Object.values(ical.sync.parseICS(text)).filter((component) => component?.type === 'VEVENT');
  } catch (error) {
    // What the parser throws for values that it cannot read has no type of its own.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function nameOf({ summary }: VEvent): string {
  const text = typeof summary === 'string' ? summary : summary?.val;
  return text?.trim() || 'Holiday';
}

/** The first days of the occurrences of an event, in order, and how many days each has. */
interface Span {
  starts: readonly number[];
  length: number;
}

/** The days of an event, or why it has none. */
function spanOf(event: VEvent, years: YearRange): Span | SkippedEvent['reason'] {
  const { start, end, rrule, status } = event;
  if (status === 'CANCELLED') return 'CANCELLED';
  if (!(start instanceof Date) || start.dateOnly !== true) return 'NOT_ALL_DAY';
  const startDay = dayOf(start);
  const length = end instanceof Date ? Math.max(1, dayOf(end) - startDay) : 1;
  if (length > holidayLimits.days) return 'TOO_LONG';
  const starts = rrule ? startsOf(startDay, rrule.toString(), years) : [startDay];
  return starts ? { starts, length } : 'UNSUPPORTED_RULE';
}

/** The number of the day since 1970-01-01: the parser makes midnight in the zone of the process of a date. */
function dayOf(date: Date): number {
  const local = Temporal.Instant.fromEpochMilliseconds(date.getTime()).toZonedDateTimeISO(Temporal.Now.timeZoneId());
  return Date.UTC(local.year, local.month - 1, local.day) / dayMs;
}

function startsOf(startDay: number, text: string, { first, last }: YearRange): number[] | undefined {
  const rrule = /^RRULE:(.+)$/m.exec(text)?.[1] ?? '';
  const dtstart = new Date(startDay * dayMs).toISOString().slice(0, 19);
  const recurrence = { rrule, dtstart, zone: 'UTC' };
  if (recurrenceFaults(recurrence).length > 0) return undefined;
  return expand(recurrence, Date.UTC(first, 0) - holidayLimits.days * dayMs, Date.UTC(last + 1, 0)).map(
    (time) => time / dayMs,
  );
}
