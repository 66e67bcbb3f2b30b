import type { Fault } from '../fault.js';
import { isZone } from '../zone-clock.js';
import { dayNumber, minutesOf, type CalendarRule, type DailyWindow } from './calendar-rule.js';

/** What bounds the size of a calendar. */
export const calendarLimits = { windowsADay: 12, exceptions: 2_000 };

const timePattern = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/** What is wrong with a calendar: nothing if it can be compiled. */
export function calendarFaults({ zone, weekly, exceptions }: CalendarRule): Fault[] {
  const faults: Fault[] = [];
  if (!isZone(zone))
    faults.push({ field: 'zone', reason: 'TIME_ZONE_UNKNOWN', message: `There is no time zone ${zone}.` });
  for (let day = 1; day <= 7; day += 1) {
    const ofDay = weekly.map((window, index) => ({ window, field: `weekly[${index}]` }));
    faults.push(...windowFaults(ofDay.filter(({ window }) => window.day === day)));
  }
  weekly.forEach(({ day }, index) => {
    if (Number.isInteger(day) && day >= 1 && day <= 7) return;
    faults.push({
      field: `weekly[${index}].day`,
      reason: 'UNKNOWN_VALUE',
      message: 'A day is 1 (Monday) to 7 (Sunday).',
    });
  });
  return [...faults, ...exceptionFaults(exceptions)];
}

function exceptionFaults(exceptions: CalendarRule['exceptions']): Fault[] {
  if (exceptions.length > calendarLimits.exceptions) {
    const message = `A calendar has at most ${calendarLimits.exceptions} exceptions.`;
    return [{ field: 'exceptions', reason: 'TOO_MANY_ITEMS', message }];
  }
  const dates = new Set<string>();
  return exceptions.flatMap(({ date, windows }, index) => {
    const field = `exceptions[${index}]`;
    const faults = windowFaults(windows.map((window, place) => ({ window, field: `${field}.windows[${place}]` })));
    const message =
      dayNumber(date) === undefined ? `There is no date ${date}.` : `There are two exceptions for ${date}.`;
    if (dayNumber(date) === undefined) faults.push({ field: `${field}.date`, reason: 'BAD_FORMAT', message });
    else if (dates.has(date)) faults.push({ field: `${field}.date`, reason: 'DUPLICATE', message });
    dates.add(date);
    return faults;
  });
}

/** Faults of the windows of one day. */
function windowFaults(windows: { window: DailyWindow; field: string }[]): Fault[] {
  const faults = windows.flatMap(({ window, field }) => timeFaults(window, field));
  if (faults.length > 0) return faults;
  const most = calendarLimits.windowsADay;
  if (windows.length > most) {
    const { field } = windows[most]!;
    return [{ field, reason: 'TOO_MANY_ITEMS', message: `A day has at most ${most} windows.` }];
  }
  const sorted = windows.toSorted((one, other) => minutesOf(one.window.opens) - minutesOf(other.window.opens));
  return sorted.slice(1).flatMap(({ window, field }, index) => {
    if (minutesOf(window.opens) >= minutesOf(sorted[index]!.window.closes)) return [];
    return [{ field, reason: 'WINDOWS_OVERLAP', message: `The window overlaps ${sorted[index]!.field}.` }];
  });
}

function timeFaults({ opens, closes }: DailyWindow, field: string): Fault[] {
  if (!timePattern.test(opens)) {
    return [{ field: `${field}.opens`, reason: 'BAD_FORMAT', message: 'A window opens from 00:00 to 23:59.' }];
  }
  if (!timePattern.test(closes) && closes !== '24:00') {
    return [{ field: `${field}.closes`, reason: 'BAD_FORMAT', message: 'A window closes from 00:01 to 24:00.' }];
  }
  if (minutesOf(opens) < minutesOf(closes)) return [];
  const message = 'A window closes after it opens. One across midnight is two windows: until 24:00, and from 00:00.';
  return [{ field: `${field}.closes`, reason: 'END_BEFORE_START', message }];
}
