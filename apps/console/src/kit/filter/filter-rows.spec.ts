import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { filterOf, rowsOf, type FilterRow, type RowOperator } from './filter-rows.ts';

const word = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => text.trim() !== '' && !text.includes('\0'));
const plain: RowOperator[] = ['=', '!=', '<', '<=', '>', '>=', ':'];
const path = fc.constantFrom('countryCode', 'customFields.plan', 'AND_more');
const row = fc.oneof(
  fc.record({ path, operator: fc.constantFrom(...plain), values: fc.tuple(word) }),
  fc.record({ path, operator: fc.constant<RowOperator>('IN'), values: fc.array(word, { minLength: 1, maxLength: 3 }) }),
  fc.record({
    path,
    operator: fc.constantFrom<RowOperator>('within', 'before'),
    values: fc.tuple(fc.nat().map(String)),
  }),
  fc.record({
    path,
    operator: fc.constantFrom<RowOperator>('starts', 'contains'),
    values: fc.tuple(fc.constantFrom('abc', 'a b', 'AND', 'x = 1')),
  }),
  fc.record({ path, operator: fc.constantFrom<RowOperator>('any', 'none'), values: fc.constant([]) }),
);

describe('a filter as rows', () => {
  test('has the same rows again after it was text', () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), fc.constantFrom('AND', 'OR'), (rows, join) => {
        const found = rowsOf(filterOf({ join, rows }));
        expect(found).toEqual({ join: rows.length === 1 ? 'AND' : join, rows });
      }),
    );
  });

  test('stays text where rows cannot say it', () => {
    for (const filter of [
      '(a = 1 OR b = 2) AND c = 3',
      'a = 1 AND b = 2 OR c = 3',
      'a = 1 b = 2',
      'NOT a = 1',
      "a = 'b c'",
      'a BETWEEN 1 AND 2',
      'a = "*x"',
      'a != x*',
      '-a:b',
      'word',
    ])
      expect(rowsOf(filter), filter).toBeUndefined();
  });

  test('leaves out a row that has no value yet', () => {
    const rows: FilterRow[] = [
      { path: 'a', operator: '=', values: [] },
      { path: 'b', operator: 'within', values: ['30'] },
    ];
    expect(filterOf({ join: 'AND', rows })).toBe('b >= today-30d');
    expect(rowsOf('')).toEqual({ join: 'AND', rows: [] });
  });
});
