import { describe, expect, test } from 'vitest';
import { businessDuration, dueAt, isBusinessTime } from './business-time.js';
import type { CalendarRule, DailyWindow, Weekday } from './calendar-rule.js';
import { CompiledCalendar } from './compiled-calendar.js';
import { windowsOfDate } from './windows-of-date.js';

const hourMs = 3_600_000;
const at = (text: string) => Date.parse(text);
const every = (...windows: DailyWindow[]): CalendarRule['weekly'] =>
  ([1, 2, 3, 4, 5, 6, 7] as Weekday[]).flatMap((day) => windows.map((window) => ({ day, ...window })));
const calendar = (zone: string, weekly: CalendarRule['weekly'], exceptions: CalendarRule['exceptions'] = []) =>
  new CompiledCalendar({ zone, weekly, exceptions });

const office = calendar(
  'Europe/Berlin',
  ([1, 2, 3, 4, 5] as Weekday[]).flatMap((day) => [
    { day, opens: '09:00', closes: '12:00' },
    { day, opens: '13:00', closes: '17:00' },
  ]),
  [
    { date: '2026-12-25', windows: [] },
    { date: '2026-12-24', windows: [{ opens: '09:00', closes: '12:00' }] },
  ],
);

describe('business time', () => {
  test('counts windows only, and a closing is not in its window', () => {
    expect(businessDuration(office, at('2026-11-27T10:00Z'), at('2026-11-30T09:00Z'))).toBe(6 * hourMs);
    expect(businessDuration(office, at('2026-11-27T16:00Z'), at('2026-11-30T08:00Z'))).toBe(0);
    expect(dueAt(office, at('2026-11-27T15:00Z'), hourMs)).toBe(at('2026-11-27T16:00Z'));
    expect(dueAt(office, at('2026-11-27T15:00Z'), hourMs + 1)).toBe(at('2026-11-30T08:00Z') + 1);
  });

  test('is open from an opening until before the closing, also at the ends of a year', () => {
    const nights = calendar('Asia/Kolkata', every({ opens: '00:00', closes: '24:00' }));
    expect(isBusinessTime(office, at('2026-11-27T08:00Z'))).toBe(true);
    expect(isBusinessTime(office, at('2026-11-27T08:00Z') - 1)).toBe(false);
    expect(isBusinessTime(office, at('2026-11-27T11:00Z'))).toBe(false);
    expect(isBusinessTime(office, at('2026-12-25T10:00Z'))).toBe(false);
    for (const edge of ['2026-12-31T18:30Z', '2027-01-01T00:00Z', '2027-03-28T01:00Z'].map(at)) {
      for (const atMs of [edge - 1, edge]) {
        expect(isBusinessTime(nights, atMs)).toBe(true);
        expect(isBusinessTime(office, atMs)).toBe(businessDuration(office, atMs, atMs + 1) > 0);
      }
    }
  });

  test('takes the windows of an exception for those of its weekday', () => {
    expect(dueAt(office, at('2026-12-23T16:00Z'), 4 * hourMs)).toBe(at('2026-12-28T09:00Z'));
  });

  test('is due at once without a duration, and never without windows', () => {
    expect(dueAt(office, at('2026-11-28T10:00Z'), 0)).toBe(at('2026-11-28T10:00Z'));
    expect(dueAt(calendar('UTC', []), at('2026-11-28T10:00Z'), 1)).toBeUndefined();
    expect(dueAt(office, at('2026-11-28T10:00Z'), 1e15)).toBeUndefined();
  });

  test('has an hour less in a window across a gap, and an hour more across a repeated hour', () => {
    const nights = calendar('Europe/Berlin', every({ opens: '00:00', closes: '06:00' }));
    expect(businessDuration(nights, at('2026-03-28T23:00Z'), at('2026-03-29T12:00Z'))).toBe(5 * hourMs);
    expect(businessDuration(nights, at('2026-10-24T22:00Z'), at('2026-10-25T12:00Z'))).toBe(7 * hourMs);
  });

  test('has nothing in a window that begins in a gap and ends before the moved opening', () => {
    const early = calendar('Europe/Berlin', every({ opens: '02:30', closes: '03:15' }));
    expect(businessDuration(early, at('2026-03-28T12:00Z'), at('2026-03-29T12:00Z'))).toBe(0);
    expect(windowsOfDate(early.rule, '2026-03-29')).toEqual([]);
    expect(windowsOfDate(early.rule, '2026-03-30')).toHaveLength(1);
  });

  test('counts windows that meet at midnight, and at the end of the year, as one', () => {
    const nights = calendar(
      'Asia/Kolkata',
      every({ opens: '22:00', closes: '24:00' }, { opens: '00:00', closes: '06:00' }),
    );
    expect(dueAt(nights, at('2026-12-31T16:30Z'), 8 * hourMs)).toBe(at('2027-01-01T00:30Z'));
    expect(businessDuration(nights, at('2026-12-31T00:00Z'), at('2027-01-02T00:00Z'))).toBe(16 * hourMs);
  });

  test('moves the windows of a day that a zone skips to the next day, and counts them once', () => {
    const days = calendar('Pacific/Apia', every({ opens: '09:00', closes: '17:00' }));
    expect(businessDuration(days, at('2011-12-29T10:00Z'), at('2011-12-31T10:00Z'))).toBe(16 * hourMs);
  });

  test('refuses an end before its start, a negative duration and years out of range', () => {
    expect(() => businessDuration(office, 1, 0)).toThrow(RangeError);
    expect(() => dueAt(office, 0, -1)).toThrow(RangeError);
    expect(() => dueAt(office, at('1969-12-31T00:00Z'), 1)).toThrow('1969 is out of range');
  });
});
