import {
  customFieldKinds,
  isCalendarDate,
  moneyOrderValue,
  type CustomFieldDefinition,
  type CustomFieldType,
  type MoneyValue,
} from '../values/custom-field-value.js';
import { dayAt, startOfDayMs } from '../values/zoned-time.js';
import type { Comparison } from './comparison.js';
import type { Filter } from './parse-filter.js';
import { restrictionsOf } from './parse-filter.js';

/** The reference of relative times and days. */
export interface Present {
  now: Date;
  /** The time zone of days: an IANA name, such as that of the workspace's settings. */
  timeZone: string;
}

/** The current meaning of a filter's text, in comparable form. */
type Read = (present: Present) => string;

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Largest distance of a relative time from now: a hundred years. */
const maxOffsetMs = 36_525 * unitMs.d;

export function readUuid(comparison: Comparison, problem = 'must be a UUID'): string {
  const text = comparison.text.toLowerCase();
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return text;
  throw comparison.valueError(problem);
}

/** Reads the id of a user, or the word `me`. @param userId what `me` stands for; absent where no user asks */
export function readUser(comparison: Comparison, userId: string | undefined): string {
  if (!comparison.isMe) return readUuid(comparison, 'must be a UUID, or me without quotation marks');
  if (userId !== undefined) return userId;
  const problem = 'is not compared with me here: API keys are no users, and no user asks what is stored for later';
  throw comparison.valueError(`${problem}; name the user by id`, 'FILTER_WITHOUT_USER');
}

/** Whether a filter has values that depend on the time zone. */
export function hasDays(filter: Filter): boolean {
  return restrictionsOf(filter).some(({ values }) =>
    values.some(({ text }) => text.startsWith('today') || dayText.test(text)),
  );
}

const dayText = /^\d{4}-\d\d-\d\d$/;

/** Reads a time, a day, which means its first moment, or a relative time, into the form of `microTime`. */
export function readMoment(comparison: Comparison): Read {
  const { text }: { text: string } = comparison;
  const relative = readRelative(text);
  if (relative) return (present) => storedTime(relative(present));
  if (dayText.test(text)) {
    if (isCalendarDate(text)) return ({ timeZone }) => storedTime(startOfDayMs(text, timeZone));
  } else {
    const time = microTime(text);
    // PostgreSQL refuses the years before 1 and writes those after 9999 differently.
    if (/^\d{4}/.test(time) && !time.startsWith('0000')) return () => time;
  }
  throw comparison.valueError(
    'must be a time such as "2026-01-31T09:30:00Z", a date such as 2026-01-31, or relative to the present such as now, now-30d,' +
      " now+2h, today or today-1w; days are those of the workspace's time zone",
  );
}

/** A moment in the form of `microTime`, limited to the years 1 to 9999. */
function storedTime(ms: number): string {
  const time = microTime(new Date(ms).toISOString());
  if (time.startsWith('0000')) return firstTime;
  return /^\d{4}-/.test(time) ? time : lastTime;
}

const firstTime = '0001-01-01T00:00:00.000000Z';
const lastTime = '9999-12-31T23:59:59.999999Z';

/** Reads a calendar day, or one relative to today. */
export function readDay(comparison: Comparison): Read {
  const { text }: { text: string } = comparison;
  const [isToday, sign, count = '0', unit = 'd'] = /^today(?:([+-])(\d{1,9})([dw]))?$/.exec(text) ?? [];
  const days = isToday === undefined ? undefined : daysOf(sign, count, unit);
  if (days !== undefined) return (present) => dayFrom(present, days);
  if (isCalendarDate(text)) return () => text;
  throw comparison.valueError(
    'must be a day such as "2026-01-31", or relative to the present day of the workspace\'s time zone such as today, today-30d or' +
      ' today+1w',
  );
}

/** The moment of a relative time, in milliseconds; undefined for other texts. */
function readRelative(text: string): ((present: Present) => number) | undefined {
  const [, start, sign, count, unit] = /^(now|today)(?:([+-])(\d{1,9})([smhdw]))?$/.exec(text) ?? [];
  if (start === undefined) return undefined;
  const days = start === 'today' ? daysOf(sign, count, unit) : undefined;
  if (days !== undefined) return (present) => startOfDayMs(dayFrom(present, days), present.timeZone);
  const sizeMs = Number(count ?? 0) * unitMs[(unit ?? 's') as keyof typeof unitMs];
  if (sizeMs > maxOffsetMs) return undefined;
  const offsetMs = sign === '-' ? -sizeMs : sizeMs;
  if (start === 'now') return ({ now }) => now.getTime() + offsetMs;
  return (present) => startOfDayMs(dayFrom(present, 0), present.timeZone) + offsetMs;
}

/** The number of calendar days to add: they may have 23 or 25 hours. Undefined for another unit, and for too many. */
function daysOf(sign: string | undefined, count: string | undefined, unit: string | undefined): number | undefined {
  if (unit !== 'd' && unit !== 'w') return undefined;
  const days = Number(count) * (unit === 'w' ? 7 : 1);
  if (days * unitMs.d > maxOffsetMs) return undefined;
  return sign === '-' ? -days : days;
}

function dayFrom({ now, timeZone }: Present, days: number): string {
  return new Date(Date.parse(`${dayAt(now, timeZone)}T00:00:00Z`) + days * unitMs.d).toISOString().slice(0, 10);
}

/**
 * A time as text that sorts byte by byte as times do: in UTC, to the microsecond, as PostgreSQL keeps it.
 *
 * @param text in the form of RFC 3339, or a date
 * @returns an empty text for an invalid time
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

/** The currency of a prefix such as `EUR*`. */
export function readCurrency(comparison: Comparison): string {
  const [, code] = /^([A-Za-z]{3}) ?$/.exec(comparison.text) ?? [];
  if (code === undefined) throw comparison.valueError('must be a whole currency code in front of *, such as "EUR*"');
  return `${code.toUpperCase()} `;
}

/** Parses the value of a custom field. */
export function readGiven(
  { type, options }: Pick<CustomFieldDefinition, 'type' | 'options'>,
  comparison: Comparison,
): unknown {
  const result = customFieldKinds[type].read(given(type, comparison.text), options);
  if ('value' in result) return result.value;
  throw comparison.valueError(type === 'MONEY' ? 'must be an amount such as "EUR 12.50"' : result.description);
}

/** The text in the type's JSON form. */
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

/** The currency is in front of the amount, or behind it as in CSV files. */
function givenMoney(text: string) {
  const [one = '', other = '', ...more] = text.split(/\s+/);
  if (more.length > 0) return {};
  const isInFront = /^[A-Za-z]{3}$/.test(one);
  const [currencyCode, amount] = isInFront ? [one, other] : [other, one];
  return { amount, currencyCode: currencyCode.toUpperCase() };
}
