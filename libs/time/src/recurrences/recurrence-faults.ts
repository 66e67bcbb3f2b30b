import type { Fault } from '../fault.js';
import { isZone, zoneClock } from '../zone-clock.js';
import { nextOccurrence } from './occurrences.js';
import { localMsOf, recurrenceLimits, type Recurrence, type RecurrenceMode } from './recurrence.js';
import { ruleFaults } from './rule-faults.js';

/**
 * What is wrong with a recurrence: nothing if it can be expanded.
 *
 * @param mode a rule that counts from completions has no COUNT
 */
export function recurrenceFaults(recurrence: Recurrence, mode: RecurrenceMode = 'FIXED'): Fault[] {
  const { rrule, dtstart, zone, exdates = [], rdates = [] } = recurrence;
  if (!isZone(zone)) return [{ field: 'zone', reason: 'TIME_ZONE_UNKNOWN', message: `There is no time zone ${zone}.` }];
  const faults = [
    ...ruleFaults(rrule),
    ...timeFaults(zone, 'dtstart', dtstart, true),
    ...dateFaults(zone, 'exdates', exdates, false),
    ...dateFaults(zone, 'rdates', rdates, true),
  ];
  if (mode === 'AFTER_COMPLETION' && /(?:^|;)COUNT=/.test(rrule)) {
    const message = 'A rule that begins anew with each completion has no COUNT.';
    faults.push({ field: 'rrule', reason: 'COUNT_AFTER_COMPLETION', message });
  }
  if (faults.length > 0 || nextOccurrence(recurrence, -1) !== undefined) return faults;
  return [{ field: 'rrule', reason: 'NEVER_OCCURS', message: 'The rule has no occurrence until 2099.' }];
}

function dateFaults(zone: string, field: string, times: readonly string[], mustOccur: boolean): Fault[] {
  if (times.length <= recurrenceLimits.dates) {
    return times.flatMap((time, index) => timeFaults(zone, `${field}[${index}]`, time, mustOccur));
  }
  return [{ field, reason: 'TOO_MANY_ITEMS', message: `There are at most ${recurrenceLimits.dates} dates.` }];
}

function timeFaults(zone: string, field: string, time: string, mustOccur: boolean): Fault[] {
  const localMs = localMsOf(time);
  if (localMs === undefined) {
    return [
      { field, reason: 'BAD_FORMAT', message: 'A local time is a date and a time, such as 2026-03-29T09:30:00.' },
    ];
  }
  const year = new Date(localMs).getUTCFullYear();
  const { lastYear } = recurrenceLimits;
  // The reason of the later one is in offsets, which UTC does not change.
  const firstYear = zone === 'UTC' ? 1970 : recurrenceLimits.firstYear;
  if (year < firstYear || year > lastYear) {
    return [{ field, reason: 'YEAR_OUT_OF_RANGE', message: `A year is ${firstYear} to ${lastYear}.` }];
  }
  if (!mustOccur || zoneClock(zone).occurrence(localMs) !== undefined) return [];
  return [{ field, reason: 'SKIPPED_TIME', message: `Clocks of ${zone} skip ${time}.` }];
}
