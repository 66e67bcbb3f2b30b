import type { Api } from './api.ts';

const days = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY'];

/** Creates the business hours of the office, with holidays. */
export async function makeCalendars(api: Api): Promise<void> {
  const weekly = days.flatMap((day) => [
    { day, opens: '09:00', closes: '12:30' },
    { day, opens: '13:30', closes: '17:30' },
  ]);
  const year = new Date().getUTCFullYear();
  const exceptions = [year, year + 1].flatMap((each) => [
    { date: `${each}-12-24`, name: 'Christmas Eve', windows: [{ opens: '09:00', closes: '12:30' }] },
    { date: `${each}-12-25`, name: 'Christmas Day' },
    { date: `${each}-12-26`, name: 'Boxing Day' },
  ]);
  await api('POST', '/v1/calendars', { name: 'Office in Bristol', timeZone: 'Europe/London', weekly, exceptions });
}
