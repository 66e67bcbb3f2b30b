import type { Calendar } from '@rapport/contracts/rapport/work/v1/calendar';
import { CompiledCalendar, type CalendarRule, type Weekday } from '@rapport/time';
import { LRUCache } from 'lru-cache';

/** A year takes some hundred microseconds to compile and some kilobytes to keep. */
const compiled = new LRUCache<string, CompiledCalendar>({ max: 200 });

/** The compiled form of a calendar, kept for each version of it. */
export function compiledCalendar(tenantId: string, calendar: Calendar): CompiledCalendar {
  const key = `${tenantId} ${calendar.id} ${calendar.etag}`;
  const known = compiled.get(key);
  if (known) return known;
  const made = new CompiledCalendar(calendarRule(calendar));
  compiled.set(key, made);
  return made;
}

/** The business hours of a calendar. Its weekdays are numbers as in ISO 8601. */
export function calendarRule({ timeZone, weekly, exceptions }: Calendar): CalendarRule {
  return { zone: timeZone, weekly: weekly.map((window) => ({ ...window, day: window.day as Weekday })), exceptions };
}
