import { startOfDayMs } from '@rapport/contracts/filters';

/** A month of a period. */
export interface Month {
  /** Such as `2026-09`. */
  key: string;
  /** Its first and last day. */
  first: string;
  last: string;
  /** The moments at which it begins and ends. */
  start: string;
  end: string;
}

/** A period of whole months. */
export interface Period {
  key: string;
  months: readonly [Month, ...Month[]];
  last: Month;
}

/**
 * The period of a key: a month such as `2026-09`, a quarter such as `2026-Q3` or a year such as `2026`.
 *
 * @param key valid, as the contract demands
 * @param fiscalStart first month of the fiscal year, whose number is that of the calendar year in which it begins
 */
export function periodOf(key: string, fiscalStart: number, timeZone: string): Period {
  const [, year = '', quarter, month] = /^(\d{4})(?:-Q(\d)|-(\d\d))?$/.exec(key) ?? [];
  const january = Number(year) * 12;
  const fiscal = january + fiscalStart - 1;
  const [begin, count] =
    month !== undefined
      ? [january + Number(month) - 1, 1]
      : quarter === undefined
        ? [fiscal, 12]
        : [fiscal + (Number(quarter) - 1) * 3, 3];
  return periodOfMonths(key, begin, count, timeZone);
}

/** The months that a snapshot has: of two fiscal years before the one of a day, of that one, and of three after it. */
export function snapshotPeriod(day: string, fiscalStart: number, timeZone: string): Period {
  const month = Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7)) - 1;
  const begin = month - ((month - (fiscalStart - 1)) % 12) - 24;
  return periodOfMonths('', begin, 72, timeZone);
}

function periodOfMonths(key: string, begin: number, count: number, timeZone: string): Period {
  const months = Array.from({ length: count }, (_, index) => monthOf(begin + index, timeZone));
  const [first, last] = [months[0], months.at(-1)];
  if (!first || !last) throw new Error(`A period has months: ${key}.`);
  return { key, months: [first, ...months.slice(1)], last };
}

/** @param number months since the year 0 */
function monthOf(number: number, timeZone: string): Month {
  const [first, next] = [firstDay(number), firstDay(number + 1)];
  const start = startOfDayMs(first, timeZone);
  const end = startOfDayMs(next, timeZone);
  return {
    key: first.slice(0, 7),
    first,
    last: new Date(Date.parse(next) - 86_400_000).toISOString().slice(0, 10),
    start: new Date(start).toISOString(),
    end: new Date(end).toISOString(),
  };
}

function firstDay(number: number): string {
  return new Date(Date.UTC(Math.floor(number / 12), number % 12)).toISOString().slice(0, 10);
}
