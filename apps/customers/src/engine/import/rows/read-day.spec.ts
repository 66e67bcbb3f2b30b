import { expect, test } from 'vitest';
import { dayReader } from './read-day.js';

test.each([
  ['de', '31.12.2026', '2026-12-31'],
  ['de', '1. 2. 2026', '2026-02-01'],
  ['de', '3. März 2026', '2026-03-03'],
  ['de-AT', '3. Jänner 2026', '2026-01-03'],
  ['en-US', '12/31/2026', '2026-12-31'],
  ['en-GB', '04/03/2026', '2026-03-04'],
  ['en-US', '04/03/2026', '2026-04-03'],
  ['en', 'March 4, 2026', '2026-03-04'],
  ['es', '4 de marzo de 2026', '2026-03-04'],
  ['pl', '4 marca 2026', '2026-03-04'],
  ['fr', '4 févr. 2026', '2026-02-04'],
  ['ja', '2026/03/04', '2026-03-04'],
  ['de', '20261231', '2026-12-31'],
  ['de', '2026-12-31', '2026-12-31'],
])('%s: %s is %s', (language, text, day) => {
  expect(dayReader(language)(text)).toBe(day);
});

test.each(['31.12.26', '31.12.', 'Dezember 2026', '31. Dezember 2026 um 8', '31.12.2026 08:00', 'März'])(
  'an incomplete date stays unchanged: %s',
  (text) => {
    expect(dayReader('de')(text)).toBe(text);
  },
);

test.each([
  ['de', '31.02.1980'],
  ['de', '29. Februar 2027'],
  ['en-US', '31/12/2026'],
  ['de', '20260231'],
])('%s: %s is no day, and stays unchanged', (language, text) => {
  expect(dayReader(language)(text)).toBe(text);
});

test('without a language, a date that does not start with the year stays unchanged', () => {
  expect(dayReader(undefined)('04/03/2026')).toBe('04/03/2026');
});

test.each(['xx', 'de-a', 'zzz-ZZ'])('%s is not a language', (language) => {
  expect(() => dayReader(language)).toThrow(
    expect.objectContaining({
      violations: [expect.objectContaining({ field: 'language', reason: 'LANGUAGE_UNKNOWN' })],
    }),
  );
});
