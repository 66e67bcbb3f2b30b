import type { EntityManager } from '@mikro-orm/postgresql';
import { invalidArgument } from '@rapport/platform';
import type { DatePart } from '@rapport/contracts/filters';
import { executeWith, ofAll } from '../list/planner-settings.js';

/** Formats of the parts of a date; they sort like the dates. Weeks follow ISO 8601 and begin on Monday. */
const formats: Readonly<Record<DatePart, string>> = {
  year: 'YYYY',
  quarter: 'YYYY-"Q"Q',
  month: 'YYYY-MM',
  week: 'IYYY-"W"IW',
  day: 'YYYY-MM-DD',
};

export function isDatePart(text: string): text is DatePart {
  return Object.hasOwn(formats, text);
}

/**
 * SQL of a part of a date or a time, as text.
 *
 * @param value a date as text, or a time with its zone
 * @param timeZone returned by `readTimeZone`: the zone in which times become dates
 */
export function datePart(value: string, of: 'DATE' | 'TIME', part: DatePart, timeZone: string): string {
  const local = of === 'DATE' ? `(${value})::date` : `((${value})::timestamptz at time zone '${timeZone}')`;
  return `to_char(${local}, '${formats[part]}')`;
}

/** The time zones of the database, from its release of the IANA database. */
let known: Promise<ReadonlySet<string>> | undefined;

/**
 * The name of a time zone, safe to quote in SQL; UTC by default.
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
