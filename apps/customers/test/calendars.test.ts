import type { Calendar } from '@rapport/contracts/rapport/work/v1/calendar';
import { CalendarDay } from '@rapport/contracts/rapport/work/v1/calendar';
import { beforeAll, describe, expect, test } from 'vitest';
import { newCalendar } from './new-calendar.js';
import { newCaller, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();
const caller = newCaller();
const create = (given: Partial<Calendar> = {}) =>
  customers.call('createCalendar', { calendar: newCalendar(given) }, caller);

describe('a calendar', () => {
  let office: Calendar;

  beforeAll(async () => {
    const exceptions = [
      { date: '2026-12-25', name: 'Christmas', windows: [] },
      { date: '2026-12-24', name: 'Christmas Eve', windows: [{ opens: '09:00', closes: '12:00' }] },
    ];
    office = await create({ exceptions });
  });

  test('measures the business time between two instants', async () => {
    const span = { fromTime: '2026-12-23T15:30:00Z', toTime: '2026-12-28T09:00:00Z' };
    expect(await customers.call('measureBusinessTime', { id: office.id, span }, caller)).toEqual({
      durationSeconds: (0.5 + 3 + 1) * 3_600,
    });
    const backwards = { fromTime: span.toTime, toTime: span.fromTime };
    await expect(
      customers.call('measureBusinessTime', { id: office.id, span: backwards }, caller),
    ).rejects.toMatchObject({ violations: [{ field: 'span.toTime', reason: 'END_BEFORE_START' }] });
  });

  test('finds when a business time has passed', async () => {
    const wait = { fromTime: '2026-12-23T15:30:00Z', durationSeconds: 4 * 3_600 };
    expect(await customers.call('findDueTime', { id: office.id, wait }, caller)).toEqual({
      dueTime: '2026-12-28T08:30:00.000Z',
    });
    const none = { ...wait, durationSeconds: 0 };
    expect(await customers.call('findDueTime', { id: office.id, wait: none }, caller)).toEqual({
      dueTime: '2026-12-23T15:30:00.000Z',
    });
    const never = await create({ weekly: [] });
    await expect(customers.call('findDueTime', { id: never.id, wait }, caller)).rejects.toMatchObject({
      violations: [{ field: 'wait.durationSeconds', reason: 'NEVER_DUE' }],
    });
    const early = { ...wait, fromTime: '1969-12-31T00:00:00Z' };
    await expect(customers.call('findDueTime', { id: office.id, wait: early }, caller)).rejects.toMatchObject({
      violations: [{ field: 'wait.fromTime', reason: 'YEAR_OUT_OF_RANGE' }],
    });
  });

  test('answers by its current version', async () => {
    const calendar = await create();
    const wait = { fromTime: '2026-11-30T08:00:00Z', durationSeconds: 3_600 };
    const due = () => customers.call('findDueTime', { id: calendar.id, wait }, caller);
    expect(await due()).toEqual({ dueTime: '2026-11-30T09:00:00.000Z' });
    const weekly = [{ day: CalendarDay.TUESDAY, opens: '10:00', closes: '24:00' }];
    const changed = { id: calendar.id, calendar: newCalendar({ weekly }), updateMask: ['weekly'] };
    await customers.call('updateCalendar', changed, caller);
    expect(await due()).toEqual({ dueTime: '2026-12-01T10:00:00.000Z' });
  });

  test('explains the windows of a date, and the exception that has them', async () => {
    expect(await customers.call('explainCalendar', { id: office.id, date: '2026-12-24' }, caller)).toMatchObject({
      windows: [{ openTime: '2026-12-24T08:00:00.000Z', closeTime: '2026-12-24T11:00:00.000Z' }],
      exceptionName: 'Christmas Eve',
    });
    const sunday = await customers.call('explainCalendar', { id: office.id, date: '2026-12-27' }, caller);
    expect(sunday).toMatchObject({ windows: [], exceptionName: undefined });
  });

  test('gets the holidays of a file, and keeps the exceptions that it has', async () => {
    const own = { date: '2026-12-25', name: 'Open house', windows: [{ opens: '10:00', closes: '11:00' }] };
    const calendar = await create({ exceptions: [own] });
    const events = [
      'DTSTART;VALUE=DATE:19700101\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:New Year',
      'DTSTART;VALUE=DATE:20261225',
    ];
    const ics = [
      'BEGIN:VCALENDAR',
      ...events.map((text) => `BEGIN:VEVENT\r\n${text}\r\nEND:VEVENT`),
      'END:VCALENDAR',
      '',
    ];
    const holidays = { ics: ics.join('\r\n'), firstYear: 2026, lastYear: 2027 };
    const expected = { addedDates: ['2026-01-01', '2027-01-01'], keptDates: ['2026-12-25'], skipped: [] };
    const request = { id: calendar.id, holidays };
    expect(await customers.call('importHolidays', { ...request, validateOnly: true }, caller)).toMatchObject(expected);
    const result = await customers.call('importHolidays', request, caller);
    expect(result).toMatchObject(expected);
    expect(result.calendar?.exceptions).toEqual([
      { date: '2026-01-01', name: 'New Year', windows: [] },
      own,
      { date: '2027-01-01', name: 'New Year', windows: [] },
    ]);
    const again = await customers.call('importHolidays', request, caller);
    expect(again).toMatchObject({ addedDates: [], calendar: { etag: result.calendar?.etag } });
    const other = { ...request, holidays: { ...holidays, ics: 'date,name' } };
    await expect(customers.call('importHolidays', other, caller)).rejects.toMatchObject({
      violations: [{ field: 'holidays.ics', reason: 'INVALID_FILE' }],
    });
  });

  test.each<[Partial<Calendar>, string, string]>([
    [{ timeZone: 'Mars/Olympus' }, 'calendar.timeZone', 'TIME_ZONE_UNKNOWN'],
    [
      { weekly: [{ day: CalendarDay.MONDAY, opens: '22:00', closes: '06:00' }] },
      'calendar.weekly[0].closes',
      'END_BEFORE_START',
    ],
    [
      { exceptions: ['2026-12-25', '2026-12-25'].map((date) => ({ date, name: undefined, windows: [] })) },
      'calendar.exceptions[1].date',
      'DUPLICATE',
    ],
  ])('with %j is refused at %s: %s', async (given, field, reason) => {
    await expect(create(given)).rejects.toMatchObject({ violations: [{ field, reason }] });
  });

  test('of another tenant is not found', async () => {
    const request = { id: office.id, date: '2026-12-24' };
    await expect(customers.call('explainCalendar', request, newCaller())).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

const daysOfMonth = `BYMONTHDAY=${Array.from({ length: 31 }, (_, index) => index + 1).join(',')}`;

describe('a recurrence', () => {
  const expansion = {
    rule: 'FREQ=DAILY',
    start: '2026-03-27T02:30:00',
    timeZone: 'Europe/Berlin',
    excluded: [],
    added: [],
    fromTime: '2026-03-28T00:00:00Z',
    toTime: '2026-03-31T00:00:00Z',
  };

  test('is expanded without the times that clocks skip', async () => {
    expect(await customers.call('expandRecurrence', { expansion }, caller)).toEqual({
      occurrenceTimes: ['2026-03-28T01:30:00.000Z', '2026-03-30T00:30:00.000Z'],
      hasMore: false,
    });
    const long = { ...expansion, toTime: '2099-01-01T00:00:00Z' };
    const { occurrenceTimes, hasMore } = await customers.call('expandRecurrence', { expansion: long }, caller);
    expect([occurrenceTimes.length, hasMore]).toEqual([1_000, true]);
  });

  test('is expanded before the deadline of the call, whatever its interval and count', async () => {
    const rule = 'FREQ=YEARLY;INTERVAL=400;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYMONTHDAY=30;COUNT=1000';
    const rare = { ...expansion, rule, fromTime: '2026-11-01T00:00:00Z', toTime: '2099-01-01T00:00:00Z' };
    expect(await customers.call('expandRecurrence', { expansion: rare }, caller)).toEqual({
      occurrenceTimes: ['2026-11-30T01:30:00.000Z', '2026-12-30T01:30:00.000Z'],
      hasMore: false,
    });
  });

  test.each([
    [{ rule: `FREQ=MONTHLY;INTERVAL=999;${daysOfMonth};BYSETPOS=200` }, 'expansion.rule', 'INVALID_COMBINATION'],
    [{ rule: `FREQ=MONTHLY;${daysOfMonth};BYMONTH=2;BYSETPOS=31` }, 'expansion.rule', 'NEVER_OCCURS'],
    [{ rule: 'FREQ=SECONDLY' }, 'expansion.rule', 'UNSUPPORTED_FREQUENCY'],
    [{ start: '2026-03-29T02:30:00' }, 'expansion.start', 'SKIPPED_TIME'],
    [{ added: ['2026-03-29T02:30:00'] }, 'expansion.added[0]', 'SKIPPED_TIME'],
    [{ timeZone: 'Mars/Olympus' }, 'expansion.timeZone', 'TIME_ZONE_UNKNOWN'],
  ])('with %j is refused at %s: %s', async (given, field, reason) => {
    await expect(
      customers.call('expandRecurrence', { expansion: { ...expansion, ...given } }, caller),
    ).rejects.toMatchObject({ violations: [{ field, reason }] });
  });
});
