import { expect, test } from 'vitest';
import { readHolidays } from './holidays.js';

const file = (...events: string[][]) =>
  ['BEGIN:VCALENDAR', ...events.flatMap((lines) => ['BEGIN:VEVENT', ...lines, 'END:VEVENT']), 'END:VCALENDAR', ''].join(
    '\r\n',
  );
const years = { first: 2026, last: 2028 };

test('a file has the days of its all-day events, also of those that recur, each date once', () => {
  const text = file(
    ['UID:1', 'DTSTART;VALUE=DATE:20261225', 'DTEND;VALUE=DATE:20261227', 'SUMMARY;LANGUAGE=en:Christ', ' mas\\, all'],
    ['UID:2', 'DTSTART;VALUE=DATE:19700101', 'RRULE:FREQ=YEARLY', 'SUMMARY:New Year'],
    ['UID:3', 'DTSTART;VALUE=DATE:20261226', 'SUMMARY:Boxing Day'],
  );
  expect(readHolidays(text, years)).toEqual({
    holidays: [
      { date: '2026-01-01', name: 'New Year' },
      { date: '2026-12-25', name: 'Christmas, all' },
      { date: '2026-12-26', name: 'Christmas, all' },
      { date: '2027-01-01', name: 'New Year' },
      { date: '2028-01-01', name: 'New Year' },
    ],
    skipped: [],
  });
});

test('events that are no holidays are named with the reason', () => {
  const text = file(
    ['UID:1', 'DTSTART:20261225T100000Z', 'SUMMARY:Party'],
    ['UID:2', 'DTSTART;VALUE=DATE:20261225', 'STATUS:CANCELLED', 'SUMMARY:Off'],
    ['UID:3', 'DTSTART;VALUE=DATE:20261001', 'DTEND;VALUE=DATE:20261201', 'SUMMARY:Autumn'],
    ['UID:4', 'DTSTART;VALUE=DATE:20261001', 'RRULE:FREQ=HOURLY', 'SUMMARY:Always'],
  );
  expect(readHolidays(text, years)).toEqual({
    holidays: [],
    skipped: [
      { name: 'Party', reason: 'NOT_ALL_DAY' },
      { name: 'Off', reason: 'CANCELLED' },
      { name: 'Autumn', reason: 'TOO_LONG' },
      { name: 'Always', reason: 'UNSUPPORTED_RULE' },
    ],
  });
});

test('days of occurrences that overlap, or begin before the years, are counted once', () => {
  const text = file(
    ['UID:1', 'DTSTART;VALUE=DATE:20251231', 'DTEND;VALUE=DATE:20260103', 'RRULE:FREQ=DAILY;COUNT=2', 'SUMMARY:Turn'],
    ['UID:2', 'DTSTART;VALUE=DATE:20281231', 'DTEND;VALUE=DATE:20290102', 'SUMMARY:Last'],
  );
  expect(readHolidays(text, years)?.holidays).toEqual([
    { date: '2026-01-01', name: 'Turn' },
    { date: '2026-01-02', name: 'Turn' },
    { date: '2026-01-03', name: 'Turn' },
    { date: '2028-12-31', name: 'Last' },
  ]);
});

test('no more than 300 events recur in a file, and each date is counted once', () => {
  const days = Array.from({ length: 302 }, (_, index) => [
    ...[`UID:${index}`, 'DTSTART;VALUE=DATE:20260101', `RRULE:FREQ=DAILY;COUNT=${1 + (index % 3)}`],
    `SUMMARY:Day ${index}`,
  ]);
  expect(readHolidays(file(...days, ['UID:x', 'DTSTART;VALUE=DATE:20261225', 'SUMMARY:Last']), years)).toEqual({
    holidays: [
      { date: '2026-01-01', name: 'Day 0' },
      { date: '2026-01-02', name: 'Day 1' },
      { date: '2026-01-03', name: 'Day 2' },
      { date: '2026-12-25', name: 'Last' },
    ],
    skipped: [300, 301].map((index) => ({ name: `Day ${index}`, reason: 'UNSUPPORTED_RULE' })),
  });
});

test('another file has no holidays', () => {
  expect(readHolidays('date;name\n2026-12-25;Christmas', years)).toBeUndefined();
  const unreadable = file(['DTSTART;VALUE=DATE:2026', 'RRULE:FREQ=XX']);
  expect(readHolidays(unreadable, years)).toBeUndefined();
});
