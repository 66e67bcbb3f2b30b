import { expect, test } from 'vitest';
import { calendarFaults } from './calendar-faults.js';
import type { CalendarRule } from './calendar-rule.js';

const valid: CalendarRule = {
  zone: 'America/St_Johns',
  weekly: [
    { day: 1, opens: '13:00', closes: '24:00' },
    { day: 1, opens: '09:00', closes: '13:00' },
  ],
  exceptions: [{ date: '2028-02-29', windows: [] }],
};

test('a calendar without faults has a zone, windows that do not overlap, and exceptions on dates', () => {
  expect(calendarFaults(valid)).toEqual([]);
});

const window = { day: 1 as const, opens: '09:00', closes: '10:00' };
const closed = (date: string) => ({ date, windows: [] });
const twice = { date: '2026-01-01', windows: [window, window] };

test.each<[Partial<CalendarRule>, string, string]>([
  [{ zone: 'Mars/Olympus' }, 'zone', 'TIME_ZONE_UNKNOWN'],
  [{ zone: '+01:00' }, 'zone', 'TIME_ZONE_UNKNOWN'],
  [{ zone: 'europe/berlin' }, 'zone', 'TIME_ZONE_UNKNOWN'],
  [{ weekly: [{ ...window, day: 8 as 7 }] }, 'weekly[0].day', 'UNKNOWN_VALUE'],
  [{ weekly: [{ ...window, opens: '24:00' }] }, 'weekly[0].opens', 'BAD_FORMAT'],
  [{ weekly: [{ ...window, closes: '24:01' }] }, 'weekly[0].closes', 'BAD_FORMAT'],
  [{ weekly: [{ ...window, closes: '9:30' }] }, 'weekly[0].closes', 'BAD_FORMAT'],
  [{ weekly: [{ ...window, closes: '09:00' }] }, 'weekly[0].closes', 'END_BEFORE_START'],
  [
    {
      weekly: [
        { ...window, closes: '09:30' },
        { ...window, opens: '09:29' },
      ],
    },
    'weekly[1]',
    'WINDOWS_OVERLAP',
  ],
  [{ exceptions: [twice] }, 'exceptions[0].windows[1]', 'WINDOWS_OVERLAP'],
  [{ exceptions: [closed('2027-02-29')] }, 'exceptions[0].date', 'BAD_FORMAT'],
  [{ exceptions: [closed('2027-02-28'), closed('2027-02-28')] }, 'exceptions[1].date', 'DUPLICATE'],
])('a calendar with %j is refused at %s: %s', (change, field, reason) => {
  expect(calendarFaults({ ...valid, ...change })).toMatchObject([{ field, reason }]);
});
