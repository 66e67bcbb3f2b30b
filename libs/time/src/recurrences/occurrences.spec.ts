import { describe, expect, test } from 'vitest';
import { expand, followingOccurrence, nextOccurrence } from '../index.js';
import type { MissedMode, Recurrence, RecurrenceMode } from './recurrence.js';

const at = (text: string) => Date.parse(text);
const texts = (times: number[]) => times.map((time) => new Date(time).toISOString().replace(':00.000Z', 'Z'));
const nights: Recurrence = { rrule: 'FREQ=DAILY', dtstart: '2026-03-27T02:30:00', zone: 'Europe/Berlin' };

describe('occurrences', () => {
  test('leave out a time that a gap skips, do not count it, and keep the time of the rule', () => {
    const counted = { ...nights, rrule: 'FREQ=DAILY;COUNT=4' };
    expect(texts(expand(counted, 0, at('2027-01-01T00:00Z')))).toEqual([
      '2026-03-27T01:30Z',
      '2026-03-28T01:30Z',
      '2026-03-30T00:30Z',
      '2026-03-31T00:30Z',
    ]);
  });

  test('are once at the earlier instant of a time that occurs twice', () => {
    expect(texts(expand(nights, at('2026-10-24T12:00Z'), at('2026-10-26T12:00Z')))).toEqual([
      '2026-10-25T00:30Z',
      '2026-10-26T01:30Z',
    ]);
  });

  // From tzdata, by `zdump -v`.
  test.each([
    ['Africa/Casablanca', 2019, '2019-05-04T08:30Z', '2019-05-22T09:30Z', '2019-06-10T08:30Z'],
    ['Africa/Cairo', 2010, '2010-08-10T06:30Z', '2010-08-20T07:30Z', '2010-09-11T06:30Z'],
  ])('keep the time of the rule where an offset lasts for some weeks, as in %s in %i', (zone, year, ...expected) => {
    const daily: Recurrence = { rrule: 'FREQ=DAILY', dtstart: `${year}-01-01T09:30:00`, zone };
    const found = texts(expand(daily, at(`${year}-05-01T00:00Z`), at(`${year}-10-01T00:00Z`)));
    expect(found).toEqual(expect.arrayContaining(expected));
    const added: Recurrence = {
      ...daily,
      rrule: 'FREQ=YEARLY',
      rdates: found.map((time) => `${time.slice(0, 10)}T09:30:00`),
    };
    expect(texts(expand(added, at(`${year}-05-01T00:00Z`), at(`${year}-10-01T00:00Z`)))).toEqual(found);
    const late = {
      mode: 'FIXED',
      missed: 'ONE',
      occurrenceMs: at(`${year}-01-01T12:00Z`),
      completedMs: at(expected[1]),
    } as const;
    expect(texts([followingOccurrence(added, late)!])).toEqual([expected[1]]);
  });

  test('are those from the start until before the end, at most as many as asked for', () => {
    const [first, second] = [at('2026-03-27T01:30Z'), at('2026-03-28T01:30Z')];
    expect(expand(nights, first, second)).toEqual([first]);
    expect(expand(nights, first + 1, second + 1)).toEqual([second]);
    expect(expand(nights, 0, at('2099-01-01T00:00Z'))).toHaveLength(1_000);
    expect(nextOccurrence(nights, first)).toBe(second);
  });

  test('have the dates that are added, not those that are left out, and end', () => {
    const recurrence: Recurrence = {
      ...nights,
      rrule: 'FREQ=DAILY;COUNT=2',
      exdates: ['2026-03-28T02:30:00'],
      rdates: ['2026-07-01T12:00:00'],
    };
    expect(texts(expand(recurrence, 0, at('2030-01-01T00:00Z')))).toEqual(['2026-03-27T01:30Z', '2026-07-01T10:00Z']);
    expect(nextOccurrence(recurrence, at('2026-07-01T10:00Z'))).toBeUndefined();
  });
});

test.each<[RecurrenceMode, MissedMode, string]>([
  ['FIXED', 'SKIP', '2026-01-20T08:30Z'],
  ['FIXED', 'ONE', '2026-01-13T08:30Z'],
  ['FIXED', 'ALL', '2026-01-06T08:30Z'],
  ['AFTER_COMPLETION', 'ALL', '2026-01-22T08:30Z'],
])('what follows a weekly occurrence that is completed two weeks late, %s %s, is %s', (mode, missed, expected) => {
  const recurrence = {
    rrule: mode === 'FIXED' ? 'FREQ=WEEKLY' : 'FREQ=DAILY;INTERVAL=7',
    dtstart: '2025-12-23T09:30:00',
    zone: 'Europe/Berlin',
  };
  const completion = { mode, missed, occurrenceMs: at('2025-12-30T08:30Z'), completedMs: at('2026-01-15T00:30Z') };
  expect(texts([followingOccurrence(recurrence, completion)!])).toEqual([expected]);
});

test.each<MissedMode>(['SKIP', 'ONE', 'ALL'])('what is completed early is followed by the next one: %s', (missed) => {
  const completion = { missed, mode: 'FIXED', occurrenceMs: at('2026-03-30T00:30Z'), completedMs: 0 } as const;
  expect(texts([followingOccurrence(nights, completion)!])).toEqual(['2026-03-31T00:30Z']);
});

test('a completion on a date whose gap skips the time of the rule keeps that time', () => {
  const completion = { mode: 'AFTER_COMPLETION', missed: 'SKIP', occurrenceMs: 0 } as const;
  const every = { ...nights, rrule: 'FREQ=DAILY;INTERVAL=3' };
  expect(texts([followingOccurrence(every, { ...completion, completedMs: at('2026-03-29T12:00Z') })!])).toEqual([
    '2026-04-01T00:30Z',
  ]);
});
