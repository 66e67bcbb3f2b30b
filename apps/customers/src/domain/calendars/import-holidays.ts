import type {
  ImportHolidaysRequest,
  ImportHolidaysResponse,
} from '@rapport/contracts/rapport/work/v1/business_time_service';
import type { StatementTransaction } from '@rapport/persistence';
import { cutText, invalidField } from '@rapport/platform';
import { readHolidays } from '@rapport/time';
import { liveRecord } from '../../engine/records/missing-record.js';
import { changeRecord, readForChange } from '../../engine/write/write-record.js';
import { calendars } from './calendars.js';

const maxExceptions = 500;

/** Most characters of a name, of which a file may have longer ones. */
const maxName = 150;

/** Handles ImportHolidays. */
export async function importHolidays(
  transaction: StatementTransaction,
  { id, holidays: file, etag }: ImportHolidaysRequest,
): Promise<ImportHolidaysResponse> {
  const { ics = '', firstYear = 0, lastYear = 0 } = file ?? {};
  if (lastYear < firstYear) {
    throw invalidField('holidays.lastYear', 'END_BEFORE_START', 'must not be before the first year');
  }
  const found = readHolidays(ics, { first: firstYear, last: lastYear });
  if (!found) throw invalidField('holidays.ics', 'INVALID_FILE', 'must be an iCalendar file');
  const { record, ...known } = await readForChange(transaction, calendars, id);
  const before = await liveRecord(transaction, calendars, id, record);
  const kept = new Set(before.exceptions.map(({ date }) => date));
  const added = found.holidays.filter(({ date }) => !kept.has(date));
  const exceptions = [
    ...before.exceptions,
    ...added.map(({ date, name }) => ({ date, name: cutText(name, maxName), windows: [] })),
  ].toSorted((one, other) => (one.date < other.date ? -1 : 1));
  if (exceptions.length > maxExceptions) {
    throw invalidField(
      'holidays.ics',
      'TOO_MANY_ITEMS',
      `the calendar would have more than ${maxExceptions} exceptions`,
    );
  }
  const changes = { ...before, exceptions: added.length > 0 ? exceptions : before.exceptions };
  return {
    calendar: await changeRecord(transaction, calendars, before, known, { changes, mask: ['exceptions'], etag }),
    addedDates: added.map(({ date }) => date),
    keptDates: found.holidays.flatMap(({ date }) => (kept.has(date) ? [date] : [])),
    skipped: found.skipped.map((event) => ({ ...event, name: cutText(event.name, maxName) })),
  };
}
