import type { Calendar } from '@rapport/contracts/rapport/work/v1/calendar';
import { CalendarsServiceService } from '@rapport/contracts/rapport/work/v1/calendars_service';
import { timerStatement, etagVersion, type TransactionStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { calendarFaults } from '@rapport/time';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { calendarRule } from '../../engine/values/compiled-calendars.js';

/** Business hours. */
export const calendars = defineRecord<Calendar>('rapport/Calendar', CalendarsServiceService, {
  indexVersion: 1,
  guard: ({ after }) =>
    calendarFaults(calendarRule(after)).map(({ field, reason, message }) => ({
      field: field === 'zone' ? 'timeZone' : field,
      reason,
      description: message,
    })),
  also: recountLater,
});

export const CalendarsController = recordController(calendars, CalendarsServiceService);

/** Kind of the timers that follow a change of business hours. The handler does what runs by the calendar. */
export const calendarChangedKind = 'calendar.changed';

function recountLater(changes: readonly RecordChange<Calendar>[]): TransactionStatement[] {
  return changes.flatMap(({ before, after }) => {
    if (!before || JSON.stringify(calendarRule(before)) === JSON.stringify(calendarRule(after))) return [];
    const target = { tenantId: currentCaller().tenantId, recordType: 'calendar', recordId: after.id };
    const purpose = `version ${etagVersion(after.etag)}`;
    return [timerStatement({ ...target, kind: calendarChangedKind, purpose, dueTime: new Date() })];
  });
}
