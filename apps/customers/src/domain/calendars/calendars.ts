import type { Calendar } from '@rapport/contracts/rapport/work/v1/calendar';
import { CalendarsServiceService } from '@rapport/contracts/rapport/work/v1/calendars_service';
import { calendarFaults } from '@rapport/time';
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
});

export const CalendarsController = recordController(calendars, CalendarsServiceService);
