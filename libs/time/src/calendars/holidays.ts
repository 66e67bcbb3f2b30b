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
  const names = new Map<string, string>();
  const skipped: SkippedEvent[] = [];
  let rules = 0;
  for (const event of events) {
    const name = nameOf(event);
    if (event.rrule) rules += 1;
    const days = rules > holidayLimits.rules && event.rrule ? 'UNSUPPORTED_RULE' : daysOf(event, years);
    if (typeof days === 'string') skipped.push({ name, reason: days });
    else for (const date of days) if (!names.has(date) && names.size < holidayLimits.holidays) names.set(date, name);
  }
  const holidays = [...names].map(([date, name]) => ({ date, name }));
  return { holidays: holidays.toSorted((one, other) => (one.date < other.date ? -1 : 1)), skipped };
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

/** The dates of an event, or why it has none. */
function daysOf(event: VEvent, { first, last }: YearRange): string[] | SkippedEvent['reason'] {
  const { start, end, rrule, status } = event;
  if (status === 'CANCELLED') return 'CANCELLED';
  if (!(start instanceof Date) || start.dateOnly !== true) return 'NOT_ALL_DAY';
  const startDay = dayOf(start);
  const length = end instanceof Date ? Math.max(1, dayOf(end) - startDay) : 1;
  if (length > holidayLimits.days) return 'TOO_LONG';
  const starts = rrule ? startsOf(startDay, rrule.toString(), { first, last }) : [startDay];
  if (!starts) return 'UNSUPPORTED_RULE';
  const days = starts.flatMap((day) => Array.from({ length }, (_, index) => day + index));
  const dates = days.map((day) => new Date(day * dayMs).toISOString().slice(0, 10));
  return dates.filter((date) => Number(date.slice(0, 4)) >= first && Number(date.slice(0, 4)) <= last);
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
