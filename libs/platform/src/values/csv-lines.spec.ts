import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvLine, CsvLineCounter, withoutFormulaGuard } from './csv-lines.js';

test.each([
  ['=HYPERLINK("x")', `'=HYPERLINK("x")`],
  ['@SUM(A1)', `'@SUM(A1)`],
  ['-2+3+cmd', `'-2+3+cmd`],
  ['+A1', `'+A1`],
  ['\t=1', `'\t=1`],
])('%j cannot run as a formula', (value, safe) => {
  expect(parse(csvLine([value]), { columns: false })).toEqual([[safe]]);
});

test.each(['+493012345678', '-12.50', '+1 (212) 555-0100', '+86 10 6552 9988', 'a=b'])('%j needs no guard', (value) => {
  expect(parse(csvLine([value]))).toEqual([[value]]);
});

test.each([',', ';', '\t'] as const)(
  'any texts survive a round trip with the guard removed, delimited by %j',
  (delimiter) => {
    const hostile = fc
      .tuple(fc.constantFrom('', "'", "''", '=', "'=", "''+", '+4', "'+4", '"'), fc.string({ unit: 'binary' }))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 2 }), (values) => {
        const [line] = parse(csvLine(values, { delimiter }), { delimiter });
        expect(line?.map(withoutFormulaGuard)).toEqual(values);
      }),
      { seed: 20_261_124 },
    );
  },
);

test.each(["'+43158801", "'=1"])('%j, which looks guarded already, gets one more apostrophe', (value) => {
  expect(parse(csvLine([value]))).toEqual([[`'${value}`]]);
});

test('a line for programs keeps formulas', () => {
  expect(csvLine(['=1', 'a\tb', ' c'], { delimiter: '\t', guardsFormulas: false })).toBe('=1\t"a\tb"\t" c"\r\n');
});

test('rows have the lines on which they start, whatever ends lines before and within them', () => {
  const rows = parse('name\r\n"Ada\r\nLovelace"\n\n\r\nGrace\rAlan', {
    raw: true,
    skip_empty_lines: true,
    record_delimiter: ['\r\n', '\n', '\r'],
  });
  const lines = new CsvLineCounter();
  const starts = (rows as unknown as { raw: string }[]).map(({ raw }) => lines.advance(raw));
  expect([starts, lines.passed]).toEqual([[1, 2, 6, 7], 7]);
});
