import type { Calendar } from '@rapport/contracts/rapport/work/v1/calendar';
import { CalendarsServiceService } from '@rapport/contracts/rapport/work/v1/calendars_service';
import { calendarFaults, type CalendarRule, type Weekday } from '@rapport/time';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Business hours. */
export const calendars = defineRecord<Calendar>('rapport/Calendar', CalendarsServiceService, {
  indexVersion: 1,
  guard: ({ after }) =>
    calendarFaults(calendarRule(after)).map(({ field, reason, message }) => ({
      field: field === 'zone' ? 'timeZone' : field,
      reason,
      description: message,
    })),
});

export const CalendarsController = recordController(calendars, CalendarsServiceService);

/** The business hours of a calendar. Its weekdays are numbers as in ISO 8601. */
export function calendarRule({ timeZone, weekly, exceptions }: Calendar): CalendarRule {
  return { zone: timeZone, weekly: weekly.map((window) => ({ ...window, day: window.day as Weekday })), exceptions };
}
