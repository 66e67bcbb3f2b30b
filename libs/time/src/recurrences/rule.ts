import { dayMs, zoneClock } from '../zone-clock.js';
import { localMsOf, utcMsOf, type Recurrence } from './recurrence.js';

const weekdayNames = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

type Frequency = 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'YEARLY';

/** The parts of a valid rule. What the rule leaves open comes from its start. Days are counted since 1970-01-01, weekdays since Sunday. */
interface Rule {
  frequency: Frequency;
  interval: number;
  firstWeekday: number;
  count: number;
  untilMs: number;
  months: number[] | undefined;
  monthDays: number[] | undefined;
  yearDays: number[] | undefined;
  weeks: number[] | undefined;
  /** A place of 0 is each such day. */
  weekdays: { weekday: number; place: number }[] | undefined;
  positions: number[] | undefined;
  /** Milliseconds of the day, in order. */
  times: number[];
}

/** Parts of a rule by name. The text is valid. */
export function partsOfRule(rrule: string): Map<string, string> {
  return new Map(rrule.split(';').map((part) => part.split('=') as [string, string]));
}

function readRule(rrule: string, startMs: number): Rule {
  const parts = partsOfRule(rrule);
  const numbers = (name: string) => parts.get(name)?.split(',').map(Number);
  const frequency = parts.get('FREQ') as Frequency;
  const until = parts.get('UNTIL');
  const start = new Date(startMs);
  const rule: Rule = {
    frequency,
    interval: Number(parts.get('INTERVAL') ?? 1),
    firstWeekday: weekdayNames.indexOf(parts.get('WKST') ?? 'MO'),
    count: Number(parts.get('COUNT') ?? Infinity),
    untilMs: until === undefined ? Infinity : utcMsOf(until)!,
    months: numbers('BYMONTH'),
    monthDays: numbers('BYMONTHDAY'),
    yearDays: numbers('BYYEARDAY'),
    weeks: numbers('BYWEEKNO'),
    weekdays: parts
      .get('BYDAY')
      ?.split(',')
      .map((day) => ({ weekday: weekdayNames.indexOf(day.slice(-2)), place: Number(day.slice(0, -2)) })),
    positions: numbers('BYSETPOS'),
    times: timesOf(
      numbers('BYHOUR') ?? [start.getUTCHours()],
      numbers('BYMINUTE') ?? [start.getUTCMinutes()],
      numbers('BYSECOND') ?? [start.getUTCSeconds()],
    ),
  };
  return { ...rule, ...daysOfStart(rule, start) };
}

/** The days of a rule that names none. */
function daysOfStart({ frequency, months, monthDays, yearDays, weeks, weekdays }: Rule, start: Date): Partial<Rule> {
  if (frequency === 'DAILY' || weekdays || monthDays || yearDays) return {};
  if (frequency === 'WEEKLY' || weeks) return { weekdays: [{ weekday: start.getUTCDay(), place: 0 }] };
  const day = { monthDays: [start.getUTCDate()] };
  return frequency === 'MONTHLY' || months ? day : { ...day, months: [start.getUTCMonth() + 1] };
}

function timesOf(hours: number[], minutes: number[], seconds: number[]): number[] {
  const times = hours.flatMap((hour) =>
    minutes.flatMap((minute) => seconds.map((second) => ((hour * 60 + minute) * 60 + second) * 1_000)),
  );
  return [...new Set(times)].toSorted((one, other) => one - other);
}

/**
 * The instants at which a rule occurs, in order, without the dates that are added and left out: looks at each day. Only each
 * `INTERVAL`th period counts, which is a day, week, month or year.
 *
 * @param fromMs those before may be left out
 * @param endMs those from here on are left out
 */
export function* instantsOfRule(
  { rrule, dtstart, zone }: Recurrence,
  fromMs: number,
  endMs: number,
): Generator<number> {
  const startMs = localMsOf(dtstart)!;
  const rule = readRule(rrule, startMs);
  const { numberOf, daysOf } = periodsOf(rule, Math.floor(startMs / dayMs));
  const findDay = dayFinder(rule);
  const instantsOf = instantsOfDays(rule, zone);
  const firstMs = zoneClock(zone).instant(startMs);
  const lastMs = Math.min(rule.untilMs, endMs - 1);
  // No local time is as much as a day away from UTC.
  const [fromDay, endDay] = [Math.floor(fromMs / dayMs) - 1, Math.floor(lastMs / dayMs) + 2];
  let left = rule.count;
  // What counts its occurrences counts them from the start.
  let period = left === Infinity && fromMs > firstMs ? Math.max(0, numberOf(fromDay)) : 0;
  while (left > 0) {
    const found = findDay(daysOf(period)[0], endDay);
    if (found === undefined) return;
    period = numberOf(found);
    const remainder = period % rule.interval;
    if (remainder === 0) {
      for (const instant of instantsOf(daysOfPeriod(findDay, found, daysOf(period)[1]))) {
        if (instant < firstMs) continue;
        if (instant > lastMs || left === 0) return;
        left -= 1;
        yield instant;
      }
    }
    period += rule.interval - remainder;
  }
}

/** Periods are counted from that of the start. */
interface Periods {
  numberOf: (day: number) => number;
  /** The first day of a period, and the one after its last. */
  daysOf: (period: number) => readonly [number, number];
}

function periodsOf({ frequency, firstWeekday }: Rule, startDay: number): Periods {
  const start = new Date(startDay * dayMs);
  const [year, month] = [start.getUTCFullYear(), start.getUTCMonth()];
  const week = startOfWeek(startDay, firstWeekday);
  const monthsTo = (day: number) => {
    const date = new Date(day * dayMs);
    return (date.getUTCFullYear() - year) * 12 + date.getUTCMonth();
  };
  switch (frequency) {
    case 'DAILY':
      return { numberOf: (day) => day - startDay, daysOf: (period) => [startDay + period, startDay + period + 1] };
    case 'WEEKLY':
      return {
        numberOf: (day) => Math.floor((day - week) / 7),
        daysOf: (period) => [week + 7 * period, week + 7 * period + 7],
      };
    case 'MONTHLY':
      return {
        numberOf: (day) => monthsTo(day) - month,
        daysOf: (period) => [dayOf(year, month + period), dayOf(year, month + period + 1)],
      };
    case 'YEARLY':
      return {
        numberOf: (day) => Math.floor(monthsTo(day) / 12),
        daysOf: (period) => [dayOf(year + period, 0), dayOf(year + period + 1, 0)],
      };
  }
}

/** Those that BYSETPOS names, counted from either end. */
function chosen({ positions }: Rule, instants: number[]): number[] {
  if (!positions) return instants;
  return instants.filter((_, index) => positions.includes(index + 1) || positions.includes(index - instants.length));
}

/** A function from the days of a rule in a period to the instants on them, without those that a gap of the zone skips. */
function instantsOfDays(rule: Rule, zone: string): (days: number[]) => number[] {
  const clock = zoneClock(zone);
  const fewest = Math.min(...(rule.positions ?? [1]).map(Math.abs));
  return (days) => {
    // None is chosen, so none has to be converted.
    if (days.length * rule.times.length < fewest) return [];
    const instants = days.flatMap((day) => rule.times.map((timeMs) => clock.occurrence(day * dayMs + timeMs)));
    return chosen(
      rule,
      instants.filter((instant) => instant !== undefined),
    );
  };
}

/** All days of a rule from one of them on, until before the end of its period. */
function daysOfPeriod(findDay: DayFinder, first: number, endDay: number): number[] {
  const days: number[] = [];
  for (let day: number | undefined = first; day !== undefined; day = findDay(day + 1, endDay)) days.push(day);
  return days;
}

/** The first day from one on and before another that satisfies each part of a rule that names days. */
type DayFinder = (beginDay: number, endDay: number) => number | undefined;

function dayFinder(rule: Rule): DayFinder {
  const isWanted = dayFilter(rule);
  let month = monthOf(0);
  return (beginDay, endDay) => {
    for (let day = beginDay; day < endDay; day += 1) {
      if (day < month.beginDay || day >= month.endDay) month = monthOf(day);
      if (rule.months && !rule.months.includes(month.number)) day = month.endDay - 1;
      else if (isWanted(day, month)) return day;
    }
    return undefined;
  };
}

interface Month {
  year: number;
  /** From 1 on. */
  number: number;
  beginDay: number;
  endDay: number;
}

function monthOf(day: number): Month {
  const date = new Date(day * dayMs);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return { year, number: month + 1, beginDay: dayOf(year, month), endDay: dayOf(year, month + 1) };
}

/** Whether a day satisfies each part of a rule that names days, but for months. */
function dayFilter(rule: Rule): (day: number, month: Month) => boolean {
  const { frequency, firstWeekday, months, monthDays, yearDays, weeks, weekdays } = rule;
  const countsInMonth = frequency === 'MONTHLY' || months !== undefined;
  return (day, { year, beginDay, endDay }) => {
    const inMonth = () => placeIn(day, beginDay, endDay);
    const inYear = () => placeIn(day, dayOf(year, 0), dayOf(year + 1, 0));
    if (monthDays && !names(monthDays, inMonth())) return false;
    const fitting = weekdays?.filter(({ weekday }) => weekday === weekdayOf(day));
    if (fitting?.length === 0) return false;
    if (yearDays && !names(yearDays, inYear())) return false;
    if (weeks && !names(weeks, weekOf(day, year, firstWeekday))) return false;
    if (!fitting || fitting.some(({ place }) => place === 0)) return true;
    const [fromBegin, fromEnd] = countsInMonth ? inMonth() : inYear();
    return fitting.some(({ place }) => place === Math.ceil(fromBegin / 7) || place === Math.floor(fromEnd / 7));
  };
}

/** A place counted from the begin, from 1 on, and from the end, from -1 down. */
type Place = readonly [number, number];

function names(wanted: readonly number[], [fromBegin, fromEnd]: Place): boolean {
  return wanted.includes(fromBegin) || wanted.includes(fromEnd);
}

function placeIn(day: number, beginDay: number, endDay: number): Place {
  return [day - beginDay + 1, day - endDay];
}

/** The week of a day among those of the year that it belongs to: the first one has at least four days in the year. */
function weekOf(day: number, year: number, firstWeekday: number): Place {
  const [own, next] = [firstWeek(year, firstWeekday), firstWeek(year + 1, firstWeekday)];
  const [begin, end] =
    day < own
      ? [firstWeek(year - 1, firstWeekday), own]
      : day < next
        ? [own, next]
        : [next, firstWeek(year + 2, firstWeekday)];
  return [Math.floor((day - begin) / 7) + 1, Math.floor((day - end) / 7)];
}

function firstWeek(year: number, firstWeekday: number): number {
  return startOfWeek(dayOf(year, 0) + 3, firstWeekday);
}

function startOfWeek(day: number, firstWeekday: number): number {
  return day - ((weekdayOf(day) - firstWeekday + 7) % 7);
}

/** Since Sunday. 1970-01-01 was a Thursday. */
function weekdayOf(day: number): number {
  return (day + 4) % 7;
}

/** The number of the first day of a month, of which 0 is January and 12 January of the next year. */
function dayOf(year: number, month: number): number {
  return Date.UTC(year, month) / dayMs;
}
