import { expect, test } from 'vitest';
import { isTimeZone, localTimeOf, momentOf } from './zoned-time.js';

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

test.each(['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z'])(
  '%s can not be written without its zone',
  (moment) => {
    expect(localTimeOf(moment, 'Europe/Berlin')).toBeUndefined();
  },
);

test('zones are those of IANA', () => {
  expect(['Europe/Berlin', 'Asia/Kolkata', 'UTC', 'Europe/Atlantis', '', 'x'].map(isTimeZone)).toEqual([
    ...[true, true, true, false, false, false],
  ]);
});
