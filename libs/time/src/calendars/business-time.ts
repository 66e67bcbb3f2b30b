import type { CompiledCalendar, YearOfWindows } from './compiled-calendar.js';

/**
 * The business time between two instants, in milliseconds. Instants are milliseconds since 1970-01-01T00:00:00Z.
 *
 * @throws RangeError if `toMs` is before `fromMs`, or one of them is in no year of the calendar
 */
export function businessDuration(calendar: CompiledCalendar, fromMs: number, toMs: number): number {
  if (!(fromMs <= toMs)) throw new RangeError('the end is before the start');
  const first = yearOf(fromMs);
  const last = yearOf(toMs);
  let durationMs = elapsedMs(calendar.year(last), toMs) - elapsedMs(calendar.year(first), fromMs);
  for (let year = first; year < last; year += 1) durationMs += calendar.year(year).totalMs;
  return durationMs;
}

/** Whether an instant is in a window. @throws RangeError if it is in no year of the calendar */
export function isBusinessTime(calendar: CompiledCalendar, atMs: number): boolean {
  const { opensMs, closesMs } = calendar.year(yearOf(atMs));
  const index = lastAtMost(opensMs, atMs);
  return index >= 0 && atMs < closesMs[index]!;
}

/**
 * The earliest instant that is not before `fromMs` and has the business time in between. A time of 0 is due at once, also
 * outside of windows; a time that a window completes is due when that window closes.
 *
 * @returns undefined if the windows of the calendar's years end before
 * @throws RangeError if the duration is negative, or `fromMs` is in no year of the calendar
 */
export function dueAt(calendar: CompiledCalendar, fromMs: number, durationMs: number): number | undefined {
  if (!(durationMs >= 0)) throw new RangeError('the duration is negative');
  const first = yearOf(fromMs);
  let restMs = durationMs + elapsedMs(calendar.year(first), fromMs);
  if (durationMs === 0) return fromMs;
  for (let year = first; year <= calendar.lastYear; year += 1) {
    const windows = calendar.year(year);
    if (restMs <= windows.totalMs) return reachedMs(windows, restMs);
    restMs -= windows.totalMs;
  }
  return undefined;
}

/** The business time of the year before an instant. */
function elapsedMs({ opensMs, closesMs, beforeMs }: YearOfWindows, atMs: number): number {
  const index = lastAtMost(opensMs, atMs);
  if (index < 0) return 0;
  return beforeMs[index]! + Math.min(atMs, closesMs[index]!) - opensMs[index]!;
}

/** When the business time of the year reaches a duration above 0. */
function reachedMs({ opensMs, beforeMs }: YearOfWindows, durationMs: number): number {
  // What the windows before it complete belongs to them.
  const index = lastAtMost(beforeMs, durationMs - 1);
  return opensMs[index]! + durationMs - beforeMs[index]!;
}

/** The index of the last of the sorted values that is not above `value`, or -1. */
function lastAtMost(values: Float64Array, value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function yearOf(atMs: number): number {
  return new Date(atMs).getUTCFullYear();
}
