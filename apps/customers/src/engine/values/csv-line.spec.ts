import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvLine, withoutFormulaGuard } from './csv-line.js';

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

test.each([',', ';'] as const)(
  'any texts come back as they were when the apostrophe is taken off, divided by %s',
  (delimiter) => {
    const hostile = fc
      .tuple(fc.constantFrom('', "'", "''", '=', "'=", "''+", '+4', "'+4", '"'), fc.string({ unit: 'binary' }))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 2 }), (values) => {
        const [line] = parse(csvLine(values, delimiter), { delimiter });
        expect(line?.map(withoutFormulaGuard)).toEqual(values);
      }),
      { seed: 20_261_124 },
    );
  },
);

test.each(["'+43158801", "'=1"])('%j, which begins with an apostrophe itself, gets one more', (value) => {
  expect(parse(csvLine([value]))).toEqual([[`'${value}`]]);
});
