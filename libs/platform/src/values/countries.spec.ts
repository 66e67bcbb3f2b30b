import { expect, it } from 'vitest';
import { countryFinder } from './countries.js';

const english = countryFinder(['en']);
const both = countryFinder(['en', 'de']);

it.each([
  ['de', 'DE'],
  [' DE ', 'DE'],
  ['Germany', 'DE'],
  ['the Netherlands', 'NL'],
  ['U.S.A.', 'US'],
  ['Saint Lucia', 'LC'],
  ['St. Lucia', 'LC'],
  ["Côte d'Ivoire", 'CI'],
  ['Korea, Republic of', 'KR'],
  // Codes that Unicode has retired, and those of no country.
  ['DD', undefined],
  ['AB', undefined],
  ['Atlantis', undefined],
  ['', undefined],
])('%j is %s', (text, code) => {
  expect(english(text)).toBe(code);
});

it('finds names in the given languages only', () => {
  expect(english('Deutschland')).toBeUndefined();
  expect(both('Deutschland')).toBe('DE');
  expect(both('Österreich')).toBe('AT');
});
