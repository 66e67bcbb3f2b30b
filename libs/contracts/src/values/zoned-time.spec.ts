import { expect, test } from 'vitest';
import { dayAt, isTimeZone, localTimeOf, momentOf, startOfDayMs } from './zoned-time.js';

test.each([
  ['Europe/Berlin', '2026-01-15T12:00:00', '2026-01-15T11:00:00.000Z'],
  ['Europe/Berlin', '2026-07-15T12:00:00.25', '2026-07-15T10:00:00.250Z'],
  ['Europe/Berlin', '2026-03-29T01:59:59.999', '2026-03-29T00:59:59.999Z'],
  ['Europe/Berlin', '2026-03-29T03:00:00', '2026-03-29T01:00:00.000Z'],
  ['Europe/Berlin', '2026-10-25T01:59:59.999', '2026-10-24T23:59:59.999Z'],
  ['Europe/Berlin', '2026-10-25T03:00:00', '2026-10-25T02:00:00.000Z'],
  ['Asia/Kolkata', '2026-03-29T02:30:00', '2026-03-28T21:00:00.000Z'],
  ['Asia/Kolkata', '2026-10-25T02:30:00.5', '2026-10-24T21:00:00.500Z'],
  ['America/St_Johns', '2026-03-08T03:00:00', '2026-03-08T05:30:00.000Z'],
  ['UTC', '0099-12-31T23:59:59', '0099-12-31T23:59:59.000Z'],
])('in %s, %s is %s and the other way round', (zone, local, moment) => {
  expect(momentOf(local, zone)).toBe(moment);
  const back = localTimeOf(moment, zone) ?? '';
  expect(Date.parse(`${back}Z`)).toBe(Date.parse(`${local}Z`));
});

test.each([
  ['2026-03-29T02:00:00', 'that the clocks pass over'],
  ['2026-03-29T02:59:59.999', 'that the clocks pass over'],
  ['2026-10-25T02:00:00', 'that is there twice'],
  ['2026-10-25T02:59:59.999', 'that is there twice'],
  ['2026-13-01T00:00:00', 'of no calendar'],
  ['infinity', 'that is none'],
  ['2026-01-01T00:00:00Z', 'that has its zone'],
])('in Berlin, %s is a time %s', (local) => {
  expect(momentOf(local, 'Europe/Berlin')).toBeUndefined();
});

test.each(['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z'])('%s has no unambiguous local time', (moment) => {
  expect(localTimeOf(moment, 'Europe/Berlin')).toBeUndefined();
});

test('zones are those of IANA', () => {
  expect(['Europe/Berlin', 'Asia/Kolkata', 'UTC', 'Europe/Atlantis', '', 'x'].map(isTimeZone)).toEqual([
    ...[true, true, true, false, false, false],
  ]);
});

test.each([
  ['Europe/Berlin', '2026-07-15', '2026-07-14T22:00:00.000Z'],
  ['Europe/Berlin', '2026-10-25', '2026-10-24T22:00:00.000Z'],
  ['Europe/Berlin', '2026-10-26', '2026-10-25T23:00:00.000Z'],
  ['America/New_York', '2026-03-08', '2026-03-08T05:00:00.000Z'],
  // Midnight is skipped: the day begins at one.
  ['America/Asuncion', '2023-10-01', '2023-10-01T04:00:00.000Z'],
  // The clocks are put forward from half past eleven to half past twelve.
  ['America/Toronto', '1919-03-31', '1919-03-31T04:30:00.000Z'],
  // Midnight occurs twice.
  ['America/Havana', '2026-11-01', '2026-11-01T04:00:00.000Z'],
  ['Pacific/Kiritimati', '2026-01-01', '2025-12-31T10:00:00.000Z'],
  ['UTC', '2026-01-01', '2026-01-01T00:00:00.000Z'],
])('in %s, the day %s begins at %s', (zone, day, moment) => {
  const startMs = startOfDayMs(day, zone);
  expect(new Date(startMs).toISOString()).toBe(moment);
  expect(dayAt(new Date(startMs), zone)).toBe(day);
  expect(dayAt(new Date(startMs - 1_000), zone) < day).toBe(true);
});
