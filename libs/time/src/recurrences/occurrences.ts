import { dayMs, zoneClock } from '../zone-clock.js';
import { localMsOf, recurrenceLimits, type MissedMode, type Recurrence, type RecurrenceMode } from './recurrence.js';
import { instantsOfRule, partsOfRule } from './rule.js';

const horizonMs = Date.UTC(recurrenceLimits.lastYear + 1, 0);

/**
 * The occurrences from `fromMs` until before `toMs`, in order. Instants are milliseconds since 1970-01-01T00:00:00Z.
 *
 * A local time that a gap skips is no occurrence and not counted; one that occurs twice is one occurrence, at the earlier
 * instant (RFC 5545 §3.3.10).
 *
 * @returns the first of them if there are more than `limit`
 */
export function expand(
  recurrence: Recurrence,
  fromMs: number,
  toMs: number,
  limit: number = recurrenceLimits.expanded,
): number[] {
  const found: number[] = [];
  for (const occurrence of occurrences(recurrence, fromMs, toMs)) {
    if (found.length === limit) break;
    found.push(occurrence);
  }
  return found;
}

/** The first occurrence after an instant; undefined if there is none until the end of the last year. */
export function nextOccurrence(recurrence: Recurrence, afterMs: number): number | undefined {
  return occurrences(recurrence, afterMs + 1).next().value;
}

/**
 * The occurrence that follows one that was completed.
 *
 * @returns undefined if it was the last one
 */
export function followingOccurrence(
  recurrence: Recurrence,
  { mode, missed, occurrenceMs, completedMs }: Completion,
): number | undefined {
  if (mode === 'AFTER_COMPLETION') return afterCompletion(recurrence, completedMs);
  if (missed === 'ALL') return nextOccurrence(recurrence, occurrenceMs);
  const laterMs = Math.max(occurrenceMs, completedMs);
  if (missed === 'SKIP') return nextOccurrence(recurrence, laterMs);
  const missedMs = [...occurrences(recurrence, occurrenceMs + 1, laterMs + 1)];
  return missedMs.at(-1) ?? nextOccurrence(recurrence, laterMs);
}

export interface Completion {
  mode: RecurrenceMode;
  missed: MissedMode;
  /** The occurrence that was completed. */
  occurrenceMs: number;
  completedMs: number;
}

/** The first occurrence on a date after that of the completion, by the rule as if it began on the date of the completion. */
function afterCompletion(recurrence: Recurrence, completedMs: number): number | undefined {
  const clock = zoneClock(recurrence.zone);
  const dateMs = Math.floor(clock.localMs(completedMs) / dayMs) * dayMs;
  const timeMs = localMsOf(recurrence.dtstart)! % dayMs;
  const lastOfDateMs = clock.instant(dateMs + dayMs) - 1;
  const start = dateMs + timeMs;
  if (clock.occurrence(start) !== undefined) return nextOfText(recurrence, start, recurrence.rrule, lastOfDateMs);
  // A gap skips the time of the rule on this date: noon begins the rule, and the rule names the time.
  return nextOfText(recurrence, dateMs + dayMs / 2, withTime(recurrence.rrule, timeMs), lastOfDateMs);
}

function nextOfText(recurrence: Recurrence, localMs: number, rrule: string, afterMs: number): number | undefined {
  const dtstart = new Date(localMs).toISOString().slice(0, 19);
  return nextOccurrence({ ...recurrence, dtstart, rrule }, afterMs);
}

/** All occurrences of some instants, in order, until the end of the last year. */
function* occurrences(recurrence: Recurrence, fromMs: number, toMs = Infinity): Generator<number, undefined> {
  const clock = zoneClock(recurrence.zone);
  const instantsOf = (times: readonly string[] = []) => times.map((time) => clock.instant(localMsOf(time)!));
  const excluded = new Set(instantsOf(recurrence.exdates));
  const added = [...new Set(instantsOf(recurrence.rdates))]
    .filter((instant) => instant >= fromMs && instant < toMs && !excluded.has(instant))
    .toSorted((one, other) => one - other);
  for (const instant of instantsOfRule(recurrence, fromMs, Math.min(toMs, horizonMs))) {
    while (added[0] !== undefined && added[0] < instant) yield added.shift()!;
    if (added[0] === instant) added.shift();
    if (instant >= fromMs && !excluded.has(instant)) yield instant;
  }
  yield* added;
}

function withTime(rrule: string, timeMs: number): string {
  const time = new Date(timeMs);
  const parts = { BYHOUR: time.getUTCHours(), BYMINUTE: time.getUTCMinutes(), BYSECOND: time.getUTCSeconds() };
  const given = partsOfRule(rrule);
  const missing = Object.entries(parts).filter(([name]) => !given.has(name));
  return [rrule, ...missing.map(([name, value]) => `${name}=${value}`)].join(';');
}
