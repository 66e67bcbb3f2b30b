/** What happens again and again: RFC 5545 within the bounds of `recurrenceLimits`. Valid, as `recurrenceFaults` says. */
export interface Recurrence {
  /** The value of an RRULE, such as `FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1`. */
  rrule: string;
  /**
   * The local time from which the rule counts, `YYYY-MM-DDTHH:MM:SS`. It is an occurrence only if the rule says so. A time
   * that occurs twice is the earlier one.
   */
  dtstart: string;
  /** A name of the IANA time zone database. */
  zone: string;
  /** Local times that are left out. */
  exdates?: readonly string[];
  /** Local times that are added. */
  rdates?: readonly string[];
}

/**
 * From what the next occurrence is counted: `FIXED` by the rule alone; `AFTER_COMPLETION` from the date of the completion,
 * as if the rule began on that date.
 */
export type RecurrenceMode = 'FIXED' | 'AFTER_COMPLETION';

/** What becomes of occurrences that passed before the current one was completed: none, the last, or each is made. */
export type MissedMode = 'SKIP' | 'ONE' | 'ALL';

export const recurrenceLimits = {
  /** Occurrences lie in the years 2010 to 2099. */
  firstYear: 2010,
  lastYear: 2099,
  ruleLength: 500,
  interval: 1_000,
  count: 1_000,
  /** BYHOUR × BYMINUTE × BYSECOND */
  timesADay: 12,
  dates: 500,
  /** Occurrences that one call expands. */
  expanded: 1_000,
};

/** Milliseconds of a local time as if it were UTC; undefined unless it is a time of the calendar. */
export function localMsOf(time: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/.test(time)) return undefined;
  const localMs = Date.parse(`${time}Z`);
  if (Number.isNaN(localMs) || new Date(localMs).toISOString() !== `${time}.000Z`) return undefined;
  return localMs;
}

/** Milliseconds of a time in UTC in the form of an RRULE, such as `20261231T225959Z`; undefined unless it is a time of the calendar. */
export function utcMsOf(basic: string): number | undefined {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(basic) ?? [];
  return localMsOf(`${year}-${month}-${day}T${hour}:${minute}:${second}`);
}
