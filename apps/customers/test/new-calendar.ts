import { Calendar, CalendarDay } from '@rapport/contracts/rapport/work/v1/calendar';

/** Business hours in Berlin: Monday to Friday from nine to five. */
export function newCalendar(given: Partial<Calendar> = {}): Calendar {
  const days = [
    CalendarDay.MONDAY,
    CalendarDay.TUESDAY,
    CalendarDay.WEDNESDAY,
    CalendarDay.THURSDAY,
    CalendarDay.FRIDAY,
  ];
  const weekly = days.map((day) => ({ day, opens: '09:00', closes: '17:00' }));
  return { ...Calendar.decode(new Uint8Array()), name: 'Office', timeZone: 'Europe/Berlin', weekly, ...given };
}
