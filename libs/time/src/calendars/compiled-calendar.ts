import { dayMs, zoneClock, type ZoneClock } from '../zone-clock.js';
import { dayNumber, minutesOf, weekdayOf, type CalendarRule, type DailyWindow } from './calendar-rule.js';

/** The years that a calendar is asked about, both included. */
export interface YearRange {
  first: number;
  last: number;
}

/** The windows of one year in UTC: sorted, apart from each other, and cut at the ends of the year. */
export interface YearOfWindows {
  opensMs: Float64Array;
  closesMs: Float64Array;
  /** Business time of the year before each window. */
  beforeMs: Float64Array;
  totalMs: number;
}

const minuteMs = 60_000;
const years: YearRange = { first: 1970, last: 2199 };

/**
 * A calendar that is prepared for sums. A year is compiled when it is first asked about, and kept.
 *
 * A window maps to the instants from its opening until before its closing, each with the disambiguation `compatible`. So a
 * window over a gap is shorter in real time, one over a repeated hour is longer, and one whose closing is not after its
 * opening, because it begins in a gap and ends soon after, has no instants. Windows that meet or overlap count once.
 */
export class CompiledCalendar {
  readonly #weekly: [opens: number, closes: number][][] = [[], [], [], [], [], [], [], []];
  readonly #exceptions = new Map<number, [opens: number, closes: number][]>();
  readonly #clock: ZoneClock;
  readonly #compiled = new Map<number, YearOfWindows>();
  /** The last year that can have a window. */
  readonly lastYear: number;

  /** @param rule valid, as `calendarFaults` says */
  constructor(readonly rule: CalendarRule) {
    this.#clock = zoneClock(rule.zone);
    for (const window of rule.weekly) this.#weekly[window.day]!.push(minutes(window));
    let lastDay = -Infinity;
    for (const { date, windows } of rule.exceptions) {
      const day = dayNumber(date)!;
      this.#exceptions.set(day, windows.map(minutes));
      if (windows.length > 0) lastDay = Math.max(lastDay, day);
    }
    // A day may reach into the next year in UTC.
    const lastException = lastDay === -Infinity ? years.first - 1 : new Date((lastDay + 2) * dayMs).getUTCFullYear();
    this.lastYear = rule.weekly.length > 0 ? years.last : Math.min(years.last, lastException);
  }

  /** @throws RangeError if the year is not among 1970 to 2199 */
  year(year: number): YearOfWindows {
    const known = this.#compiled.get(year);
    if (known) return known;
    if (!(year >= years.first && year <= years.last)) throw new RangeError(`${year} is out of range`);
    const compiled = this.#compile(year);
    this.#compiled.set(year, compiled);
    return compiled;
  }

  #compile(year: number): YearOfWindows {
    const startMs = Date.UTC(year, 0);
    const endMs = Date.UTC(year + 1, 0);
    const toInstant = this.#clock.instants(year);
    const windows: [opensMs: number, closesMs: number][] = [];
    // Offsets are less than a day, and so far no zone skipped more than a day.
    for (let day = startMs / dayMs - 3; day < endMs / dayMs + 3; day += 1) {
      for (const [opens, closes] of this.#exceptions.get(day) ?? this.#weekly[weekdayOf(day)]!) {
        const opensMs = Math.max(toInstant(day * dayMs + opens * minuteMs), startMs);
        const closesMs = Math.min(toInstant(day * dayMs + closes * minuteMs), endMs);
        if (opensMs < closesMs) windows.push([opensMs, closesMs]);
      }
    }
    return summed(united(windows));
  }
}

function minutes({ opens, closes }: DailyWindow): [opens: number, closes: number] {
  return [minutesOf(opens), minutesOf(closes)];
}

function united(windows: [opensMs: number, closesMs: number][]): [opensMs: number, closesMs: number][] {
  const result: [opensMs: number, closesMs: number][] = [];
  for (const [opensMs, closesMs] of windows.toSorted(([one], [other]) => one - other)) {
    const last = result.at(-1);
    if (last && opensMs <= last[1]) last[1] = Math.max(last[1], closesMs);
    else result.push([opensMs, closesMs]);
  }
  return result;
}

function summed(windows: [opensMs: number, closesMs: number][]): YearOfWindows {
  let totalMs = 0;
  const beforeMs = Float64Array.from(windows, ([opensMs, closesMs]) => {
    const before = totalMs;
    totalMs += closesMs - opensMs;
    return before;
  });
  return {
    opensMs: Float64Array.from(windows, ([opensMs]) => opensMs),
    closesMs: Float64Array.from(windows, ([, closesMs]) => closesMs),
    beforeMs,
    totalMs,
  };
}
