import { RRuleTemporal } from '../temporal.js';
import { dayMs, zoneClock } from '../zone-clock.js';
import {
  basicFormat,
  localMsOf,
  recurrenceLimits,
  type MissedMode,
  type Recurrence,
  type RecurrenceMode,
} from './recurrence.js';

/** Days of the first window of an expansion. */
const firstWindowDays = 64;

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
  const rule = ruleOf(recurrence);
  const occurrences: number[] = [];
  const endMs = Math.min(toMs, horizonMs + dayMs);
  // A search for each occurrence by itself takes a hundred times longer. Windows grow, so that a rare one is found too.
  for (let [startMs, days] = [fromMs, firstWindowDays]; startMs < endMs && occurrences.length < limit; days *= 2) {
    const windowEndMs = Math.min(endMs, startMs + days * dayMs);
    const found = rule.between(new Date(startMs), new Date(windowEndMs - 1), true);
    for (const { epochMilliseconds } of found) occurrences.push(epochMilliseconds);
    startMs = windowEndMs;
  }
  return occurrences.slice(0, limit);
}

/** The first occurrence after an instant; undefined if there is none until the end of the last year. */
export function nextOccurrence(recurrence: Recurrence, afterMs: number): number | undefined {
  return ruleOf(recurrence).next(new Date(afterMs))?.epochMilliseconds;
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
  const lastMs = ruleOf(recurrence).previous(new Date(laterMs), true)?.epochMilliseconds;
  return lastMs !== undefined && lastMs > occurrenceMs ? lastMs : nextOccurrence(recurrence, laterMs);
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
  const lastOfDateMs = clock.instants(new Date(dateMs).getUTCFullYear())(dateMs + dayMs) - 1;
  const start = dateMs + timeMs;
  if (clock.occurs(start)) return nextOfText(recurrence, start, recurrence.rrule, lastOfDateMs);
  // A gap skips the time of the rule on this date: noon begins the rule, and the rule names the time.
  return nextOfText(recurrence, dateMs + dayMs / 2, withTime(recurrence.rrule, timeMs), lastOfDateMs);
}

function nextOfText(recurrence: Recurrence, localMs: number, rrule: string, afterMs: number): number | undefined {
  const dtstart = new Date(localMs).toISOString().slice(0, 19);
  return nextOccurrence({ ...recurrence, dtstart, rrule }, afterMs);
}

function withTime(rrule: string, timeMs: number): string {
  const time = new Date(timeMs);
  const parts = { BYHOUR: time.getUTCHours(), BYMINUTE: time.getUTCMinutes(), BYSECOND: time.getUTCSeconds() };
  const missing = Object.entries(parts).filter(([name]) => !rrule.includes(`${name}=`));
  return [rrule, ...missing.map(([name, value]) => `${name}=${value}`)].join(';');
}

/** Without an end of its own, a rule ends with the last year, so that one that never occurs does not search on. */
export function ruleOf({ rrule, dtstart, zone, exdates = [], rdates = [] }: Recurrence): RRuleTemporal {
  const end = /(?:^|;)UNTIL=/.test(rrule) ? '' : `;UNTIL=${basicFormat(horizonMs - 1_000)}Z`;
  const dates = (name: string, times: readonly string[]) =>
    times.length > 0 ? [`${name};TZID=${zone}:${times.map((time) => basicFormat(localMsOf(time)!)).join(',')}`] : [];
  const lines = [
    `DTSTART;TZID=${zone}:${basicFormat(localMsOf(dtstart)!)}`,
    `RRULE:${rrule}${end}`,
    ...dates('RDATE', rdates),
    ...dates('EXDATE', exdates),
  ];
  const maxIterations = mostPeriods(rrule, dtstart) + moreSteps;
  const rruleString = lines.join('\n');
  return new RRuleTemporal({ rruleString, cache: false, maxIterations, maxCandidateEvaluations });
}

const periodsInYear: Readonly<Record<string, number>> = { YEARLY: 1, MONTHLY: 12, WEEKLY: 53, DAILY: 366 };

/** How many periods of a rule begin until the end of the last year, at most. */
function mostPeriods(rrule: string, dtstart: string): number {
  const [, frequency = ''] = /FREQ=([A-Z]+)/.exec(rrule) ?? [];
  const [, interval = '1'] = /INTERVAL=(\d+)/.exec(rrule) ?? [];
  const years = recurrenceLimits.lastYear + 1 - Number(dtstart.slice(0, 4));
  return Math.ceil((years * (periodsInYear[frequency] ?? 366)) / Number(interval));
}

/** Another number than the default: with that, the library searches in plans that nothing bounds, for a minute in some cases. */
const maxCandidateEvaluations = 999_999;

/** The library searches in steps, and has a few more of them than a rule has periods. */
const moreSteps = 1_000;
