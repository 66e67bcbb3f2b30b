import { allFormats } from '@rapport/contracts';
import { invalidArgument } from '@rapport/platform';

/** Converts a date to YYYY-MM-DD. Other text, and a day that no month has, stays unchanged, for its field to refuse. */
export type ReadDay = (text: string) => string;

type Part = 'day' | 'month' | 'year';

/** Dates that start with the year, such as 20260131 or 2026/01/31. */
export function isoDay(text: string): string {
  return dayOr(text, text.replace(/^(\d{4})([-/.]?)(\d\d)\2(\d\d)$/, '$1-$3-$4'));
}

const dayFormat = allFormats.find(({ name }) => name === 'date');

/** The day, or the text of a file if there is no such day: messages quote what the file has. */
function dayOr(text: string, day: string): string {
  return dayFormat?.test(day) === true ? day : text;
}

/**
 * Parses dates as a language writes them, in digits and with month names; dates that start with the year in any
 * language.
 *
 * @param language a BCP 47 tag; undefined for files whose dates start with the year
 * @throws AppError INVALID_ARGUMENT field `language`
 */
export function dayReader(language: string | undefined): ReadDay {
  if (language === undefined) return isoDay;
  if (!isKnown(language)) {
    const description = 'must be the BCP 47 tag of a language, such as "de" or "en-GB".';
    throw invalidArgument([{ field: 'language', reason: 'LANGUAGE_UNKNOWN', description }]);
  }
  const order = partOrder(language);
  const { months, fillers } = monthNames(language);
  return (text) => dayOr(text, inDigits(text, order) ?? withName(text, months, fillers) ?? isoDay(text));
}

function isKnown(language: string): boolean {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf([language]).length > 0;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const gregorian = { calendar: 'gregory', numberingSystem: 'latn', timeZone: 'UTC' } as const;

function partOrder(language: string): Part[] {
  const format = new Intl.DateTimeFormat(language, { ...gregorian, day: '2-digit', month: '2-digit', year: 'numeric' });
  return format
    .formatToParts(0)
    .flatMap(({ type }) => (type === 'day' || type === 'month' || type === 'year' ? type : []));
}

/** The names of the months, and the words that accompany them, such as "de" in Spanish. */
function monthNames(language: string): { months: Map<string, number>; fillers: Set<string> } {
  const months = new Map<string, number>();
  const fillers = new Set<string>();
  for (const month of ['long', 'short'] as const) {
    const whole = new Intl.DateTimeFormat(language, { ...gregorian, day: 'numeric', month, year: 'numeric' });
    const alone = new Intl.DateTimeFormat(language, { ...gregorian, month });
    for (let index = 0; index < 12; index += 1) {
      const day = Date.UTC(2026, index, 15);
      for (const { type, value } of [...whole.formatToParts(day), ...alone.formatToParts(day)]) {
        if (type === 'month') for (const word of words(value)) months.set(word, index + 1);
        if (type === 'literal') for (const word of words(value)) fillers.add(word);
      }
    }
  }
  return { months, fillers };
}

function words(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[\s.,/-]+/)
    .filter((word) => word !== '');
}

function inDigits(text: string, order: Part[]): string | undefined {
  const digits = /^(\d{1,2})[-./](\d{1,2})[-./](\d{4})$/.exec(text.replaceAll(' ', ''))?.slice(1);
  if (!digits) return undefined;
  const dayFirst = order.indexOf('day') < order.indexOf('month');
  const [day = '', month = ''] = dayFirst ? digits : [digits[1], digits[0]];
  return iso(digits[2] ?? '', Number(month), day);
}

function withName(text: string, months: Map<string, number>, fillers: Set<string>): string | undefined {
  const found: Partial<Record<Part, string>> & { number?: number } = {};
  for (const word of words(text)) {
    const number = months.get(word);
    if (/^\d{4}$/.test(word) && found.year === undefined) found.year = word;
    else if (/^\d{1,2}$/.test(word) && found.day === undefined) found.day = word;
    else if (number !== undefined && found.number === undefined) found.number = number;
    else if (!fillers.has(word)) return undefined;
  }
  const { year, number, day } = found;
  return year === undefined || number === undefined || day === undefined ? undefined : iso(year, number, day);
}

function iso(year: string, month: number, day: string): string {
  return `${year}-${String(month).padStart(2, '0')}-${day.padStart(2, '0')}`;
}
