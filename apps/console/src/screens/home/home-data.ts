import { itemsAt, textAt, type Json } from '../../contract/json.ts';

const dayMs = 86_400_000;

/** A day as contract and filters write it. */
export function dayText(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** Today in the zone of the browser, as a moment at 00:00 UTC, so that days can be counted. */
export function today(): Date {
  return dayOf(new Date());
}

/** The day that a moment is on in the zone of the browser. */
export function dayOf(moment: Date): Date {
  return new Date(Date.UTC(moment.getFullYear(), moment.getMonth(), moment.getDate()));
}

/** The moment so many minutes of the clock after midnight of a day, in the zone of the browser. */
export function momentOf(day: Date, minutes = 0): Date {
  return new Date(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate(), 0, minutes);
}

export function addDays(date: Date, days: number): Date {
  return new Date(date.getTime() + days * dayMs);
}

export function daysBetween(from: Date, to: Date): number {
  return Math.round((to.getTime() - from.getTime()) / dayMs);
}

interface Week {
  /** As groups name it, such as `2026-W05`. */
  key: string;
  number: number;
  monday: Date;
}

/** The ISO week of a day: it belongs to the year of its Thursday. */
export function weekOf(day: Date): Week {
  const monday = addDays(day, -((day.getUTCDay() + 6) % 7));
  const year = addDays(monday, 3).getUTCFullYear();
  const fourth = new Date(Date.UTC(year, 0, 4));
  const first = addDays(fourth, -((fourth.getUTCDay() + 6) % 7));
  const number = daysBetween(first, monday) / 7 + 1;
  return { key: `${year}-W${String(number).padStart(2, '0')}`, number, monday };
}

export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle];
  const low = sorted[middle - 1];
  if (high === undefined) return undefined;
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}

/** Conditions of a filter that must all hold; empty ones are none. */
export function allOf(...conditions: readonly string[]): string {
  return conditions.filter((each) => each !== '').join(' AND ');
}

/** The sum of an aggregate's group in one currency. */
export function sumIn(group: Json | undefined, currency: string): number {
  const sum = itemsAt(group, 'sums').find((each) => textAt(each, 'currencyCode') === currency);
  return Number(textAt(sum, 'value') || 0);
}
