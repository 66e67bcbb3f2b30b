import { expect, test } from 'vitest';
import { instantOf } from './local-time.js';

test.each([
  ['a time', '2026-07-01T09:00', 'Europe/Berlin', '2026-07-01T07:00:00.000Z'],
  ['a time that a gap skips: its end', '2026-03-29T02:30', 'Europe/Berlin', '2026-03-29T01:00:00.000Z'],
  ['a time that occurs twice: the first one', '2026-10-25T02:30', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
  ['a gap of half an hour', '2026-10-04T02:15', 'Australia/Lord_Howe', '2026-10-03T15:30:00.000Z'],
  ['a day that there was not', '2011-12-30T12:00', 'Pacific/Apia', '2011-12-30T10:00:00.000Z'],
  ['the first zone', '2026-01-01T00:00', 'Pacific/Kiritimati', '2025-12-31T10:00:00.000Z'],
  ['the last zone', '2026-01-01T00:00', 'Etc/GMT+12', '2026-01-01T12:00:00.000Z'],
])('%s', (_what, localTime, zone, instant) => {
  expect(instantOf(localTime, zone).toISOString()).toBe(instant);
});
