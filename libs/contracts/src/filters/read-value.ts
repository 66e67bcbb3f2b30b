import {
  customFieldKinds,
  isCalendarDate,
  moneyOrderValue,
  type CustomFieldDefinition,
  type CustomFieldType,
  type MoneyValue,
} from '../values/custom-field-value.js';
import type { Comparison } from './comparison.js';

/** What the text of a filter says at a moment, in the form in which values are compared. */
type Read = (now: Date) => string;

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Farthest from the present that a relative time may be: a hundred years. */
const maxOffsetMs = 36_525 * unitMs.d;

export function readUuid(comparison: Comparison): string {
  const text = comparison.text.toLowerCase();
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return text;
  throw comparison.valueError('must be a UUID');
}

/** Reads a time, or one relative to the present, as `microTime` writes it. */
export function readMoment(comparison: Comparison): Read {
  const relative = readRelative(comparison.text);
  if (relative) return (now) => microTime(new Date(relative.from(now) + relative.offsetMs).toISOString());
  const time = microTime(comparison.text);
  // PostgreSQL refuses the years before 1 and has another way to write those after 9999.
  if (/^\d{4}/.test(time) && !time.startsWith('0000')) return () => time;
  throw comparison.valueError(
    'must be a time such as "2026-01-31T09:30:00Z", a date such as 2026-01-31, or relative to the present such as now, now-30d,' +
      ' now+2h, today or today-1w; days are those of UTC',
  );
}

/** Reads a day of the calendar, or one relative to the present day of UTC. */
export function readDay(comparison: Comparison): Read {
  const { text } = comparison;
  if (isCalendarDate(text)) return () => text;
  const relative = /^today([+-]\d+[dw])?$/.test(text) ? readRelative(text) : undefined;
  if (relative) return (now) => new Date(relative.from(now) + relative.offsetMs).toISOString().slice(0, 10);
  throw comparison.valueError(
    'must be a day such as "2026-01-31", or relative to the present day of UTC such as today, today-30d or today+1w',
  );
}

/** @returns undefined for a text that is no time relative to the present */
function readRelative(text: string): { from: (now: Date) => number; offsetMs: number } | undefined {
  const [, start, sign, count, unit] = /^(now|today)(?:([+-])(\d{1,9})([smhdw]))?$/.exec(text) ?? [];
  if (start === undefined) return undefined;
  const size = Number(count ?? 0) * unitMs[(unit ?? 's') as keyof typeof unitMs];
  if (size > maxOffsetMs) return undefined;
  const from = (now: Date) => (start === 'now' ? now.getTime() : now.getTime() - (now.getTime() % unitMs.d));
  return { from, offsetMs: sign === '-' ? -size : size };
}

/**
 * A time as text that sorts byte by byte as times do: in UTC, to the microsecond, as PostgreSQL keeps it.
 *
 * @param text in the form of RFC 3339, or a date
 * @returns an empty text for one that is no time
 */
export function microTime(text: string): string {
  const [isTime, fraction = ''] =
    /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.(\d{1,9}))?(?:Z|[+-]\d\d:\d\d))?$/i.exec(text) ?? [];
  const time = new Date(isTime === undefined ? Number.NaN : text.toUpperCase());
  if (Number.isNaN(time.getTime())) return '';
  return `${time.toISOString().replace(/\.\d+Z$/, '')}.${fraction.padEnd(6, '0').slice(0, 6)}Z`;
}

export function readNumber(comparison: Comparison): number {
  return readGiven({ type: 'NUMBER', options: [] }, comparison) as number;
}

/** @returns the amount of money as `moneyOrderValue` makes it comparable */
export function readAmount(comparison: Comparison): string {
  return moneyOrderValue(readGiven({ type: 'MONEY', options: [] }, comparison) as MoneyValue);
}

/** The currency whose amounts the beginning of a text such as `EUR*` asks for. */
export function readCurrency(comparison: Comparison): string {
  const [, code] = /^([A-Za-z]{3}) ?$/.exec(comparison.text) ?? [];
  if (code === undefined) throw comparison.valueError('must be a whole currency code in front of *, such as "EUR*"');
  return `${code.toUpperCase()} `;
}

/** The value of a custom field that a text stands for. */
export function readGiven(
  { type, options }: Pick<CustomFieldDefinition, 'type' | 'options'>,
  comparison: Comparison,
): unknown {
  const result = customFieldKinds[type].read(given(type, comparison.text), options);
  if ('value' in result) return result.value;
  throw comparison.valueError(type === 'MONEY' ? 'must be an amount such as "EUR 12.50"' : result.description);
}

/** The text in the form that the type has in JSON. */
function given(type: CustomFieldType, text: string): unknown {
  switch (type) {
    case 'NUMBER':
      return /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d{1,3})?$/i.test(text) ? Number(text) : text;
    case 'BOOLEAN':
      return { true: true, false: false }[text.toLowerCase()] ?? text;
    case 'MONEY':
      return givenMoney(text);
    case 'MULTI_SELECT':
      return [text];
    case 'REFERENCE':
      return text.toLowerCase();
    case 'TEXT':
    case 'DECIMAL':
    case 'DATE':
    case 'TIME':
    case 'SELECT':
    case 'URL':
      return text;
  }
}

function givenMoney(text: string) {
  const [, currencyCode = '', amount] = /^([A-Za-z]{3})\s+(\S+)$/.exec(text) ?? [];
  return { amount, currencyCode: currencyCode.toUpperCase() };
}
