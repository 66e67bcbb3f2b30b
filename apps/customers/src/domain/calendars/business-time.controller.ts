import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  BusinessTimeServiceService as Methods,
  type BusinessTimeServiceServer,
  type ExpandRecurrenceRequest,
  type ExpandRecurrenceResponse,
  type ExplainCalendarRequest,
  type ExplainCalendarResponse,
  type FindDueTimeRequest,
  type FindDueTimeResponse,
  type ImportHolidaysRequest,
  type ImportHolidaysResponse,
  type MeasureBusinessTimeRequest,
  type MeasureBusinessTimeResponse,
} from '@rapport/contracts/rapport/work/v1/business_time_service';
import type { Calendar } from '@rapport/contracts/rapport/work/v1/calendar';
import { queryRows } from '@rapport/persistence';
import { currentCaller, invalidArgument, invalidField } from '@rapport/platform';
import {
  businessDuration,
  dueAt,
  expand,
  recurrenceFaults,
  recurrenceLimits,
  tzdataVersion,
  windowsOfDate,
  type Fault,
} from '@rapport/time';
import { liveRecord } from '../../engine/records/missing-record.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { calendarRule, compiledCalendar } from '../../engine/values/compiled-calendars.js';
import { calendars } from './calendars.js';
import { importHolidays } from './import-holidays.js';

/** Names of the fields of a recurrence in the contract. */
const recurrenceFields: Readonly<Record<string, string>> = {
  rrule: 'rule',
  dtstart: 'start',
  zone: 'timeZone',
  exdates: 'excluded',
  rdates: 'added',
};

@Controller()
@ImplementsService(Methods)
export class BusinessTimeController implements ServiceHandlers<BusinessTimeServiceServer> {
  constructor(private readonly em: EntityManager) {}

  async measureBusinessTime({ id, span }: MeasureBusinessTimeRequest): Promise<MeasureBusinessTimeResponse> {
    const fromMs = instant('span.fromTime', span?.fromTime);
    const toMs = instant('span.toTime', span?.toTime);
    if (toMs < fromMs) throw invalidField('span.toTime', 'END_BEFORE_START', 'must not be before the start');
    const calendar = compiledCalendar(currentCaller().tenantId, await this.#calendar(id));
    return { durationSeconds: businessDuration(calendar, fromMs, toMs) / 1_000 };
  }

  async findDueTime({ id, wait }: FindDueTimeRequest): Promise<FindDueTimeResponse> {
    const fromMs = instant('wait.fromTime', wait?.fromTime);
    const calendar = compiledCalendar(currentCaller().tenantId, await this.#calendar(id));
    const dueMs = dueAt(calendar, fromMs, (wait?.durationSeconds ?? 0) * 1_000);
    if (dueMs !== undefined) return { dueTime: new Date(dueMs).toISOString() };
    throw invalidField(
      'wait.durationSeconds',
      'NEVER_DUE',
      'must be at most the business time of the calendar until 2199',
    );
  }

  async explainCalendar({ id, date }: ExplainCalendarRequest): Promise<ExplainCalendarResponse> {
    const calendar = await this.#calendar(id);
    const windows = windowsOfDate(calendarRule(calendar), date) ?? [];
    return {
      windows: windows.map(({ opensMs, closesMs }) => ({
        openTime: new Date(opensMs).toISOString(),
        closeTime: new Date(closesMs).toISOString(),
      })),
      exceptionName: calendar.exceptions.find((exception) => exception.date === date)?.name,
      timeZoneVersion: tzdataVersion,
    };
  }

  importHolidays(request: ImportHolidaysRequest): Promise<ImportHolidaysResponse> {
    return hotWriteCall(this.em, Methods.importHolidays, request, (transaction) =>
      importHolidays(transaction, request),
    );
  }

  async expandRecurrence({ expansion }: ExpandRecurrenceRequest): Promise<ExpandRecurrenceResponse> {
    const { rule = '', start = '', timeZone = '', excluded = [], added = [], fromTime, toTime } = expansion ?? {};
    const fromMs = instant('expansion.fromTime', fromTime);
    const toMs = instant('expansion.toTime', toTime);
    const recurrence = { rrule: rule, dtstart: start, zone: timeZone, exdates: excluded, rdates: added };
    const faults = recurrenceFaults(recurrence);
    if (faults.length > 0) throw invalidArgument(faults.map(violationOf));
    const { expanded } = recurrenceLimits;
    const times = expand(recurrence, fromMs, toMs, expanded + 1);
    return {
      occurrenceTimes: times.slice(0, expanded).map((time) => new Date(time).toISOString()),
      hasMore: times.length > expanded,
    };
  }

  async #calendar(id: string): Promise<Calendar> {
    const stored = await queryRows<StoredRecord<Calendar>>(this.em, liveRecords(calendars, [id]));
    const [calendar] = await openStored(calendars, stored);
    return liveRecord(this.em, calendars, id, calendar);
  }
}

function violationOf({ field, reason, message }: Fault) {
  const path = field.replace(/^[a-z]+/, (name) => recurrenceFields[name] ?? name);
  return { field: `expansion.${path}`, reason, description: message };
}

/** Milliseconds since 1970 of a time of the contract. */
function instant(field: string, time: string | undefined): number {
  const timeMs = Date.parse(time ?? '');
  const year = new Date(timeMs).getUTCFullYear();
  if (year >= 1970 && year <= 2199) return timeMs;
  throw invalidField(field, 'YEAR_OUT_OF_RANGE', 'must be in the years 1970 to 2199');
}
