import type { EntityManager } from '@mikro-orm/postgresql';
import { invalidArgument } from '@rapport/platform';
import { executeWith, ofAll } from '../list/planner-settings.js';

/** How each part of a day is written, which sorts as the days do. Weeks are those of ISO 8601, which begin on Monday. */
const formats = {
  year: 'YYYY',
  quarter: 'YYYY-"Q"Q',
  month: 'YYYY-MM',
  week: 'IYYY-"W"IW',
  day: 'YYYY-MM-DD',
} as const;

export type DatePart = keyof typeof formats;

export const dateParts = Object.keys(formats) as DatePart[];

export function isDatePart(text: string): text is DatePart {
  return Object.hasOwn(formats, text);
}

/**
 * The part of a day or a time, as SQL of a text.
 *
 * @param value a day as text, or a time with its zone
 * @param timeZone one that `readTimeZone` answered: the zone whose days those of times are
 */
export function datePart(value: string, of: 'DATE' | 'TIME', part: DatePart, timeZone: string): string {
  const local = of === 'DATE' ? `(${value})::date` : `((${value})::timestamptz at time zone '${timeZone}')`;
  return `to_char(${local}, '${formats[part]}')`;
}

/** The zones that the database knows, which are those of its release of the IANA database. */
let known: Promise<ReadonlySet<string>> | undefined;

/**
 * A time zone's name as SQL may have it between quotation marks; UTC when none is given.
 *
 * @throws AppError INVALID_ARGUMENT TIME_ZONE_UNKNOWN
 */
export async function readTimeZone(em: EntityManager, name: string | undefined): Promise<string> {
  if (name === undefined) return 'UTC';
  known ??= knownZones(em);
  try {
    if ((await known).has(name)) return name;
  } catch (error) {
    known = undefined;
    throw error;
  }
  const description = 'must be the name of a time zone of the IANA database, such as "Europe/Berlin"';
  throw invalidArgument([{ field: 'timeZone', reason: 'TIME_ZONE_UNKNOWN', description }]);
}

async function knownZones(em: EntityManager): Promise<ReadonlySet<string>> {
  const statement = { sql: 'select name from pg_timezone_names', params: [] };
  const rows = await executeWith<{ name: string }>(em, ofAll, statement);
  const isName = /^(?!posix|right|localtime|Factory)[A-Za-z][A-Za-z0-9_+/-]*$/;
  return new Set(rows.flatMap(({ name }) => (isName.test(name) ? [name] : [])));
}
