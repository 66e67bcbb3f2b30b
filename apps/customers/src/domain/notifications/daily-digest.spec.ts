import { expect, test } from 'vitest';
import { nextDigest } from './daily-digest.js';

const next = (hour: number, zone: string, after: string) => nextDigest(hour, zone, new Date(after)).toISOString();

test('a digest is due at the next beginning of its hour in the zone of the user', () => {
  expect(next(8, 'Asia/Shanghai', '2026-11-30T00:00:00Z')).toBe('2026-12-01T00:00:00.000Z');
  expect(next(8, 'Asia/Shanghai', '2026-11-29T23:59:59Z')).toBe('2026-11-30T00:00:00.000Z');
  expect(next(0, 'America/New_York', '2026-11-30T04:59:00Z')).toBe('2026-11-30T05:00:00.000Z');
});

test('each day has one digest when clocks change, also at an hour that the change skips or repeats', () => {
  expect(next(2, 'Europe/Berlin', '2026-03-28T12:00:00Z')).toBe('2026-03-29T01:00:00.000Z');
  expect(next(2, 'Europe/Berlin', '2026-03-29T01:00:00Z')).toBe('2026-03-30T00:00:00.000Z');
  expect(next(2, 'Europe/Berlin', '2026-10-24T12:00:00Z')).toBe('2026-10-25T00:00:00.000Z');
  expect(next(2, 'Europe/Berlin', '2026-10-25T00:00:00Z')).toBe('2026-10-26T01:00:00.000Z');
  expect(next(8, 'Europe/Berlin', '2026-10-24T12:00:00Z')).toBe('2026-10-25T07:00:00.000Z');
});
