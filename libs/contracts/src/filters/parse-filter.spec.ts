import { AppError } from '@rapport/platform';
import { describe, expect, test } from 'vitest';
import { parseFilter, type Filter } from './parse-filter.js';

/** A tree as text: each operator with its parentheses. */
function show(filter: Filter | undefined): string {
  switch (filter?.type) {
    case undefined:
      return '';
    case 'and':
    case 'or':
      return `(${filter.operands.map(show).join(` ${filter.type} `)})`;
    case 'not':
      return `not ${show(filter.operand)}`;
    case 'restriction': {
      const { field, operator, value } = filter.restriction;
      return `${field}${operator}[${value.text}${value.isPrefix ? '…' : ''}]`;
    }
  }
}

function violationOf(filter: string) {
  try {
    parseFilter(filter);
  } catch (error) {
    if (error instanceof AppError) return error.violations[0];
    throw error;
  }
  return expect.fail(`${filter} was read`);
}

describe('parseFilter', () => {
  test.each([
    ['', ''],
    ['a=1', 'a=[1]'],
    ['a = 1 AND b = 2 OR c = 3', '(a=[1] and (b=[2] or c=[3]))'],
    ['a=1 b=2 OR c=3 d=4', '(a=[1] and (b=[2] or c=[3]) and d=[4])'],
    ['NOT a=1 OR b=2', '(not a=[1] or b=[2])'],
    ['NOT (a=1 OR b=2)', 'not (a=[1] or b=[2])'],
    ['-a=1 AND -(b=2)', '(not a=[1] and not b=[2])'],
    ['((a=1))', 'a=[1]'],
    ['(a=1)AND(b=2)', '(a=[1] and b=[2])'],
    ['NOTE=1 AND ORDER=2', '(NOTE=[1] and ORDER=[2])'],
    [`a:"x y" b:'"' c:"\\"\\\\"`, `(a:[x y] and b:["] and c:["\\])`],
    ['a=x* b="x*" c="x\\*" d=* e="x*y"', '(a=[x…] and b=[x…] and c=[x*] and d=[…] and e=[x*y])'],
    ['t>=2026-01-01T00:00:00+02:00', 't>=[2026-01-01T00:00:00+02:00]'],
    ['a!=1\tAND\nb<2', '(a!=[1] and b<[2])'],
  ])('reads %s', (filter, expected) => {
    expect(show(parseFilter(filter))).toBe(expected);
  });

  test('bounds depth and number of comparisons', () => {
    const nested = (depth: number) => `${'('.repeat(depth)}a=1${')'.repeat(depth)}`;
    const wide = (terms: number) => Array<string>(terms).fill('a=1').join(' OR ');

    expect(show(parseFilter(nested(20)))).toBe('a=[1]');
    expect(violationOf(nested(21))).toMatchObject({ reason: 'FILTER_SYNTAX' });
    expect(parseFilter(wide(50))).toBeDefined();
    expect(violationOf(wide(51))?.description).toContain('more than 50');
  });
});
