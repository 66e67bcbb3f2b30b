import { expect, test } from 'vitest';
import { recurrenceFaults } from './recurrence-faults.js';
import type { Recurrence } from './recurrence.js';

const valid: Recurrence = { rrule: 'FREQ=DAILY', dtstart: '2026-01-05T09:30:00', zone: 'Europe/Berlin' };

test.each([
  'FREQ=DAILY;INTERVAL=2;COUNT=1000',
  'FREQ=WEEKLY;BYDAY=MO,WE;WKST=SU;UNTIL=20270101T000000Z',
  'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1',
  'FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=9,17;BYMINUTE=0,30',
  'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29',
  'FREQ=YEARLY;BYWEEKNO=1,-1;BYDAY=MO',
  'FREQ=YEARLY;BYYEARDAY=-1,100',
  'FREQ=YEARLY;BYYEARDAY=1;BYMONTHDAY=1;BYDAY=MO',
  'FREQ=YEARLY;BYDAY=MO,1TU,-53SA',
  'FREQ=YEARLY;BYWEEKNO=7',
  'FREQ=MONTHLY;BYMONTHDAY=1,2,3;BYDAY=1MO',
  'FREQ=MONTHLY;BYDAY=MO;BYHOUR=9,17;BYSETPOS=-1',
  'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=1,2;BYSETPOS=2',
])('%s is a rule', (rrule) => {
  expect(recurrenceFaults({ ...valid, rrule })).toEqual([]);
});

test.each([
  ['', 'INVALID_RULE'],
  ['RRULE:FREQ=DAILY', 'INVALID_RULE'],
  ['FREQ=DAILY;FREQ=DAILY', 'INVALID_RULE'],
  ['freq=daily', 'INVALID_RULE'],
  [`FREQ=DAILY;BYHOUR=${'1,'.repeat(300)}1`, 'INVALID_RULE'],
  ['BYDAY=MO', 'UNSUPPORTED_FREQUENCY'],
  ['FREQ=SECONDLY', 'UNSUPPORTED_FREQUENCY'],
  ['FREQ=DAILY;INTERVAL=0', 'INVALID_RULE'],
  ['FREQ=DAILY;COUNT=1001', 'INVALID_RULE'],
  ['FREQ=DAILY;UNTIL=20270101', 'INVALID_RULE'],
  ['FREQ=DAILY;UNTIL=20270230T000000Z', 'INVALID_RULE'],
  ['FREQ=DAILY;BYHOUR=24', 'INVALID_RULE'],
  ['FREQ=DAILY;BYHOUR=-1', 'INVALID_RULE'],
  ['FREQ=MONTHLY;BYDAY=54MO', 'INVALID_RULE'],
  ['FREQ=MONTHLY;BYMONTHDAY=0', 'INVALID_RULE'],
  ['FREQ=DAILY;RSCALE=HEBREW', 'INVALID_RULE'],
  ['FREQ=DAILY;COUNT=2;UNTIL=20270101T000000Z', 'INVALID_COMBINATION'],
  ['FREQ=MONTHLY;BYWEEKNO=1', 'INVALID_COMBINATION'],
  ['FREQ=MONTHLY;BYYEARDAY=1', 'INVALID_COMBINATION'],
  ['FREQ=WEEKLY;BYMONTHDAY=1', 'INVALID_COMBINATION'],
  ['FREQ=WEEKLY;BYDAY=1MO', 'INVALID_COMBINATION'],
  ['FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO', 'INVALID_COMBINATION'],
  ['FREQ=MONTHLY;BYSETPOS=1', 'INVALID_COMBINATION'],
  ['FREQ=DAILY;BYHOUR=1,2,3,4,5,6,7;BYMINUTE=0,1', 'TOO_MANY_TIMES'],
  ['FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', 'NEVER_OCCURS'],
  ['FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=7', 'NEVER_OCCURS'],
  ['FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=8,-9', 'INVALID_COMBINATION'],
  ['FREQ=YEARLY;BYYEARDAY=60;BYMONTHDAY=2', 'NEVER_OCCURS'],
  ['FREQ=DAILY;UNTIL=20260101T000000Z', 'NEVER_OCCURS'],
])('%s is refused: %s', (rrule, reason) => {
  expect(recurrenceFaults({ ...valid, rrule })).toMatchObject([{ field: 'rrule', reason }]);
});

test.each<[Partial<Recurrence>, string, string]>([
  [{ zone: 'CEST' }, 'zone', 'TIME_ZONE_UNKNOWN'],
  [{ dtstart: '2026-03-29T02:30:00' }, 'dtstart', 'SKIPPED_TIME'],
  [{ dtstart: '2026-02-30T02:30:00' }, 'dtstart', 'BAD_FORMAT'],
  [{ dtstart: '2026-02-20T02:30' }, 'dtstart', 'BAD_FORMAT'],
  [{ dtstart: '2009-12-31T00:00:00' }, 'dtstart', 'YEAR_OUT_OF_RANGE'],
  [{ dtstart: '2100-01-01T00:00:00' }, 'dtstart', 'YEAR_OUT_OF_RANGE'],
  [{ rdates: ['2026-01-01T00:00:00', '2026-03-29T02:00:00'] }, 'rdates[1]', 'SKIPPED_TIME'],
  [{ exdates: ['2026-01-32T00:00:00'] }, 'exdates[0]', 'BAD_FORMAT'],
  [{ exdates: Array<string>(501).fill('2026-01-01T00:00:00') }, 'exdates', 'TOO_MANY_ITEMS'],
])('a recurrence with %j is refused at %s: %s', (change, field, reason) => {
  expect(recurrenceFaults({ ...valid, ...change })).toMatchObject([{ field, reason }]);
});

test('a rule that begins anew with each completion has no COUNT', () => {
  const counted = { ...valid, rrule: 'FREQ=DAILY;COUNT=3' };
  expect(recurrenceFaults(counted)).toEqual([]);
  expect(recurrenceFaults(counted, 'AFTER_COMPLETION')).toMatchObject([{ reason: 'COUNT_AFTER_COMPLETION' }]);
});
