/** 1 is Monday, 7 is Sunday (ISO 8601). */
export type Weekday = 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** Open from `opens` until before `closes`. Both are local times, `HH:MM`, up to `24:00`. */
export interface DailyWindow {
  opens: string;
  closes: string;
}

export interface WeeklyWindow extends DailyWindow {
  day: Weekday;
}

/** A date whose windows replace those of its weekday. Without windows, the date is closed. */
export interface CalendarException {
  /** `YYYY-MM-DD` */
  date: string;
  windows: readonly DailyWindow[];
}

/** Business hours: what `calendarFaults` finds no fault with. */
export interface CalendarRule {
  /** A name of the IANA time zone database. */
  zone: string;
  /** Any number of windows a day, in any order. A window across midnight is two windows. */
  weekly: readonly WeeklyWindow[];
  exceptions: readonly CalendarException[];
}

/** Minutes since midnight of a valid `HH:MM`. */
export function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}

/** The number of the day since 1970-01-01 of a `YYYY-MM-DD`; undefined if there is no such date. */
export function dayNumber(date: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return undefined;
  const dateMs = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(dateMs) || new Date(dateMs).toISOString().slice(0, 10) !== date) return undefined;
  return dateMs / 86_400_000;
}

/** The weekday of a day number: 1970-01-01 was a Thursday. */
export function weekdayOf(day: number): Weekday {
  return (((((day + 3) % 7) + 7) % 7) + 1) as Weekday;
}
