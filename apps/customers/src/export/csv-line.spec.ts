import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvLine } from './csv-line.js';

test.each([
  ['=HYPERLINK("x")', `'=HYPERLINK("x")`],
  ['@SUM(A1)', `'@SUM(A1)`],
  ['-2+3+cmd', `'-2+3+cmd`],
  ['+A1', `'+A1`],
  ['\t=1', `'\t=1`],
])('%j can not run as a formula', (value, safe) => {
  expect(parse(csvLine([value]), { columns: false })).toEqual([[safe]]);
});

test.each(['+493012345678', '-12.50', '+1 (212) 555-0100', 'a=b'])('%j stays as it is', (value) => {
  expect(parse(csvLine([value]))).toEqual([[value]]);
});

test('any texts come back as they were, apart from the apostrophe', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 2 }), (values) => {
      const [line] = parse(csvLine(values));
      expect(line?.map((value, index) => (value === `'${values[index]}` ? values[index] : value))).toEqual(values);
    }),
    { seed: 20_261_124 },
  );
});
