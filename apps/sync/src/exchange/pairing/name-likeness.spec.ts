import { expect, test } from 'vitest';
import { areNamesAlike, nameWords, soundOf, wordSimilarity } from './name-likeness.js';

const areAlike = (one: string, other: string) => areNamesAlike(nameWords(one), nameWords(other));

test.each([
  ['Ada Lovelace', 'ada  LOVELACE'],
  ['Ada Lovelace', 'Lovelace, Ada'],
  ['Zoë Müller', 'Zoe Muller'],
  ['Ada King Lovelace', 'Ada Lovelace'],
  ['A. Lovelace', 'Ada Lovelace'],
  ['Mitchell Green', 'Mitchel Grene'],
])('%s and %s may be one person', (one, other) => {
  expect(areAlike(one, other)).toBe(true);
});

test.each([
  ['Tom Miller', 'Anna Miller'],
  ['Sarah Brown', 'Sarah Green'],
  ['Person 1200', 'Person 1201'],
  ['Ada Lovelace', ''],
])('%s and %s are not', (one, other) => {
  expect(areAlike(one, other)).toBe(false);
});

test('words are as similar as Winkler has published', () => {
  expect(wordSimilarity('martha', 'marhta')).toBeCloseTo(0.961, 3);
  expect(wordSimilarity('dwayne', 'duane')).toBeCloseTo(0.84, 2);
  expect(wordSimilarity('dixon', 'dicksonx')).toBeCloseTo(0.813, 3);
});

test('spellings of a name sound the same', () => {
  expect([soundOf('robert'), soundOf('rupert')]).toEqual(['r163', 'r163']);
  expect(soundOf('ashcraft')).toBe(soundOf('ashcroft'));
  expect(soundOf('1200')).toBe('1200');
});
