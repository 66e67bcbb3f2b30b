import type { ScheduleTrigger } from '@rapport/contracts/rapport/flows/v1/flow';
import { expand, nextOccurrence, zoneClock, type Recurrence } from '@rapport/time';

const minuteMs = 60_000;

/** Times that are longer past are skipped: after an outage of a day, a schedule starts no storm of runs. */
export const latestMs = 24 * 60 * minuteMs;

/** Most runs that one pass starts for a schedule. */
const maxTimes = 20;

export interface DueTimes {
  /** Times that have come since the last one, oldest first. */
  times: number[];
  /** Up to which times are done. */
  doneMs: number;
  /** When to look again; undefined after the last time of the rule. */
  nextMs: number | undefined;
}

/** The rule of a schedule, whose times have no seconds of their own. @param publishedMs first possible time by default */
export function recurrenceOf({ rule, zone, startTime }: ScheduleTrigger, publishedMs: number): Recurrence {
  const startMs = startTime === undefined ? publishedMs : Date.parse(startTime);
  const localMs = Math.floor(zoneClock(zone).localMs(startMs) / minuteMs) * minuteMs;
  return { rrule: rule, zone, dtstart: new Date(localMs).toISOString().slice(0, 19) };
}

/**
 * The times of a schedule that have come after `doneMs`, each once if the answer's `doneMs` is given to the next call.
 *
 * @param startMs first possible time
 */
export function dueTimes(
  recurrence: Recurrence,
  { startMs, doneMs, nowMs }: { startMs: number; doneMs: number; nowMs: number },
): DueTimes {
  const fromMs = Math.max(doneMs + 1, startMs, nowMs - latestMs);
  const times = fromMs > nowMs ? [] : expand(recurrence, fromMs, nowMs + 1, maxTimes);
  const last = times.length === maxTimes ? (times.at(-1) ?? nowMs) : Math.max(nowMs, doneMs);
  return { times, doneMs: last, nextMs: nextOccurrence(recurrence, Math.max(last, startMs - 1)) };
}
