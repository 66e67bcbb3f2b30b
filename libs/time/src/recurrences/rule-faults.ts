import type { Fault, FaultReason } from '../fault.js';
import { recurrenceLimits, utcMsOf } from './recurrence.js';

type Parts = ReadonlyMap<string, string>;

const frequencies = ['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'];

/** Whole numbers of a part: from `min` to `max`, or also from `-max` to `-min`. */
const lists: Readonly<Record<string, { min: number; max: number; signed?: boolean }>> = {
  BYMONTH: { min: 1, max: 12 },
  BYMONTHDAY: { min: 1, max: 31, signed: true },
  BYYEARDAY: { min: 1, max: 366, signed: true },
  BYWEEKNO: { min: 1, max: 53, signed: true },
  BYHOUR: { min: 0, max: 23 },
  BYMINUTE: { min: 0, max: 59 },
  BYSECOND: { min: 0, max: 59 },
  BYSETPOS: { min: 1, max: 366, signed: true },
};
const numbers: Readonly<Record<string, number>> = {
  INTERVAL: recurrenceLimits.interval,
  COUNT: recurrenceLimits.count,
};

/** Most days of a period. */
const longestPeriods: Readonly<Record<string, number>> = { DAILY: 1, WEEKLY: 7, MONTHLY: 31, YEARLY: 366 };

/** What RFC 5545 §3.3.10 forbids, and what can not be. */
const combinations: readonly { refused: (parts: Parts, frequency: string) => boolean; message: string }[] = [
  { refused: (parts) => parts.has('COUNT') && parts.has('UNTIL'), message: 'COUNT and UNTIL exclude each other.' },
  {
    refused: (parts, frequency) => parts.has('BYWEEKNO') && frequency !== 'YEARLY',
    message: 'BYWEEKNO needs FREQ=YEARLY.',
  },
  {
    refused: (parts, frequency) => parts.has('BYYEARDAY') && frequency !== 'YEARLY',
    message: 'BYYEARDAY needs FREQ=YEARLY.',
  },
  {
    refused: (parts, frequency) => parts.has('BYMONTHDAY') && frequency === 'WEEKLY',
    message: 'BYMONTHDAY is not for FREQ=WEEKLY.',
  },
  {
    refused: (parts) => parts.has('BYSETPOS') && ![...parts.keys()].some((name) => /^BY(?!SETPOS)/.test(name)),
    message: 'BYSETPOS needs another BY part.',
  },
  {
    refused: (parts, frequency) => {
      const positions = (parts.get('BYSETPOS') ?? '0').split(',').map((position) => Math.abs(Number(position)));
      return Math.min(...positions) > (longestPeriods[frequency] ?? 0) * timesADay(parts);
    },
    message: 'BYSETPOS is at most the number of times in the longest period.',
  },
  {
    refused: (parts, frequency) =>
      /\d/.test(parts.get('BYDAY') ?? '') && (!['MONTHLY', 'YEARLY'].includes(frequency) || parts.has('BYWEEKNO')),
    message: 'BYDAY has numbers only with FREQ=MONTHLY or FREQ=YEARLY, and without BYWEEKNO.',
  },
];

/** What is wrong with the value of an RRULE by itself. */
export function ruleFaults(rrule: string): Fault[] {
  const parts = partsOf(rrule);
  if (typeof parts === 'string') return [fault('INVALID_RULE', parts)];
  const frequency = parts.get('FREQ') ?? '';
  if (!frequencies.includes(frequency)) {
    return [fault('UNSUPPORTED_FREQUENCY', `FREQ is one of ${frequencies.join(', ')}.`)];
  }
  const invalid = [...parts].flatMap(([name, value]) => {
    const message = partFault(name, value);
    return message ? [fault('INVALID_RULE', message)] : [];
  });
  if (invalid.length > 0) return invalid;
  const combination = combinations.find((each) => each.refused(parts, frequency));
  if (combination) return [fault('INVALID_COMBINATION', combination.message)];
  if (timesADay(parts) <= recurrenceLimits.timesADay) return [];
  return [fault('TOO_MANY_TIMES', `A day has at most ${recurrenceLimits.timesADay} occurrences.`)];
}

function timesADay(parts: Parts): number {
  const times = ['BYHOUR', 'BYMINUTE', 'BYSECOND'].map((name) => parts.get(name)?.split(',').length ?? 1);
  return times.reduce((product, length) => product * length);
}

function fault(reason: FaultReason, message: string): Fault {
  return { field: 'rrule', reason, message };
}

/** The parts by name, or why there are none. */
function partsOf(rrule: string): Parts | string {
  if (rrule.length > recurrenceLimits.ruleLength)
    return `A rule has at most ${recurrenceLimits.ruleLength} characters.`;
  const parts = new Map<string, string>();
  for (const part of rrule.split(';')) {
    const [, name, value] = /^([A-Z]{3,10})=([A-Z0-9,+-]{1,400})$/.exec(part) ?? [];
    if (name === undefined || value === undefined) return 'A rule is a list of NAME=VALUE, separated by semicolons.';
    if (parts.has(name)) return `${name} is there twice.`;
    parts.set(name, value);
  }
  return parts;
}

function partFault(name: string, value: string): string | undefined {
  const list = lists[name];
  const most = numbers[name];
  if (list) return listFault(name, value, list);
  if (most !== undefined) return isWhole(value, 1, most) ? undefined : `${name} is a whole number from 1 to ${most}.`;
  switch (name) {
    case 'FREQ':
      return undefined;
    case 'UNTIL':
      return utcMsOf(value) === undefined ? 'UNTIL is a time in UTC, such as 20261231T225959Z.' : undefined;
    case 'WKST':
      return /^(?:MO|TU|WE|TH|FR|SA|SU)$/.test(value) ? undefined : 'WKST is a day, such as MO.';
    case 'BYDAY':
      return value.split(',').every((day) => /^(?:[+-]?(?:[1-9]|[1-4]\d|5[0-3]))?(?:MO|TU|WE|TH|FR|SA|SU)$/.test(day))
        ? undefined
        : 'BYDAY is a list of days, such as MO or -1FR.';
    default:
      return `${name} is no part of a rule.`;
  }
}

function listFault(
  name: string,
  value: string,
  { min, max, signed = false }: { min: number; max: number; signed?: boolean },
) {
  const isValid = value.split(',').every((each) => isWhole(signed ? each.replace(/^[+-]/, '') : each, min, max));
  return isValid
    ? undefined
    : `${name} is a list of numbers from ${signed ? `-${max} to -${min}, and ` : ''}${min} to ${max}.`;
}

function isWhole(text: string, min: number, max: number): boolean {
  return /^\d{1,4}$/.test(text) && Number(text) >= min && Number(text) <= max;
}
