import { dayMs, zoneClock } from '../zone-clock.js';
import { dayNumber, minutesOf, weekdayOf, type CalendarRule, type DailyWindow } from './calendar-rule.js';

/** A window of a date as instants. */
export interface DateWindow extends DailyWindow {
  opensMs: number;
  closesMs: number;
}

/**
 * The windows of a date in the order of their opening, each as `CompiledCalendar` maps it, before windows that meet are united.
 * A window without instants is left out.
 *
 * @returns undefined if there is no such date
 */
export function windowsOfDate(rule: CalendarRule, date: string): DateWindow[] | undefined {
  const day = dayNumber(date);
  if (day === undefined) return undefined;
  const toInstant = zoneClock(rule.zone).instants(new Date(day * dayMs).getUTCFullYear());
  const instant = (time: string) => toInstant(day * dayMs + minutesOf(time) * 60_000);
  const windows: readonly DailyWindow[] =
    rule.exceptions.find((exception) => exception.date === date)?.windows ??
    rule.weekly.filter((window) => window.day === weekdayOf(day));
  return windows
    .map(({ opens, closes }) => ({ opens, closes, opensMs: instant(opens), closesMs: instant(closes) }))
    .filter(({ opensMs, closesMs }) => opensMs < closesMs)
    .toSorted((one, other) => one.opensMs - other.opensMs);
}
