import { expect, test } from 'vitest';
import { csvLine } from './csv-line.js';

test('cells with delimiters, quotes or line ends are quoted', () => {
  expect(csvLine(['a', 'b,c', 'say "x"', 'two\nlines', ''])).toBe('a,"b,c","say ""x""","two\nlines",\r\n');
});

test.each(['=1+1', '+1', '-1', '@sum(a1)', '\tx', '\rx'])('a spreadsheet takes %j for text', (text) => {
  expect(csvLine([text]).replaceAll('"', '')).toBe(`'${text}\r\n`);
});

test('what would be a formula only further on stays as it is', () => {
  expect(csvLine(['a=b', '1-2'])).toBe('a=b,1-2\r\n');
});
