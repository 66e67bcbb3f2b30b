import ICAL from 'ical.js';
import ical from 'node-ical';
import { expect, test } from 'vitest';
import { SeedRandom } from '../../../seed/seed-random.js';
import { writeCalendar, type CalendarEvent } from './write-calendar.js';

const pieces = [
  'a',
  ' ',
  ',',
  ';',
  '\\',
  '\n',
  '\\n',
  'é',
  '薇',
  '🧭',
  '"',
  ':',
  'BEGIN:VEVENT',
  '\r\n',
  '\t',
  'END:',
  "'",
];

test('two other programs read random events as they were written', () => {
  const random = new SeedRandom(7);
  const text = () => Array.from({ length: random.below(60) }, () => random.pick(pieces)).join('');
  const events = Array.from({ length: 300 }, (_, index): CalendarEvent => {
    const start = new Date(Date.UTC(2020, 0, 1) + random.below(1e6) * 61_000).toISOString();
    const at = random.chance(0.5) ? start : start.slice(0, 10);
    return {
      ...{ uid: `${index}@test`, sequence: random.below(9), changeTime: start, start: at, summary: `x${text()}x` },
      ...(random.chance(0.5) && { description: `x${text()}x`, location: `x${text()}x` }),
    };
  });
  const written = writeCalendar('Rapport', events);

  const byNodeIcal = Object.values(ical.sync.parseICS(written)).filter((each) => each?.type === 'VEVENT');
  const byIcalJs = new ICAL.Component(ICAL.parse(written) as unknown[]).getAllSubcomponents('vevent');
  const shown = (value: string | undefined) => value?.replaceAll('\r\n', '\n');
  const expected = events.map(({ uid, summary, description, location }) => [
    uid,
    ...[summary, description, location].map(shown),
  ]);
  expect(
    byIcalJs.map((each) =>
      ['uid', 'summary', 'description', 'location'].map((name) => each.getFirstPropertyValue(name) ?? undefined),
    ),
  ).toEqual(expected);
  // node-ical 0.27 reads a backslash before an n as a line break.
  const isExact = (_values: unknown, index: number) => !JSON.stringify(expected[index]).includes(String.raw`\\`);
  const read = byNodeIcal.map(({ uid, summary, description, location }) => [uid, summary, description, location]);
  expect(read.filter(isExact)).toEqual(expected.filter(isExact));
  expect(expected.filter(isExact).length).toBeGreaterThan(20);
  for (const line of written.split('\r\n')) {
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
    expect(line).not.toMatch(/[\r\n�]/);
  }
});

test('a day ends before the next one, and an event without an end takes no time', () => {
  const event = { uid: 'a', sequence: 0, changeTime: '2026-01-01T00:00:00.000Z', summary: 'A' };
  const written = writeCalendar('R', [
    { ...event, start: '2026-02-28', end: '2026-02-28' },
    { ...event, uid: 'b', start: '2026-02-28T22:30:00.000Z' },
  ]);
  expect(written).toContain('DTSTART;VALUE=DATE:20260228\r\nDTEND;VALUE=DATE:20260301\r\n');
  expect(written).toContain('DTSTART:20260228T223000Z\r\nSUMMARY');
});
