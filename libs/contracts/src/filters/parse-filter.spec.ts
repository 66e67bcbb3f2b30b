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
      const { field, operator, values } = filter.restriction;
      const texts = values.map(({ text, isSuffix, isPrefix }) => `${isSuffix ? '…' : ''}${text}${isPrefix ? '…' : ''}`);
      return `${field}${operator}[${texts.join('|')}]`;
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
    ['a:*x b:"*x*" c:"\\*x" d:** e:"*"', '(a:[…x] and b:[…x…] and c:[*x] and d:[……] and e:[…])'],
    ['a=1,2', 'a=[1,2]'],
    ['a IN (1)', 'a=[1]'],
    ['a IN(1,"b, c" , d*)b=1', '(a=[1|b, c|d…] and b=[1])'],
    ['NOT a IN (1, 2) OR b=1', '(not a=[1|2] or b=[1])'],
    ['a BETWEEN 1 AND 2 AND b=1', '(aBETWEEN[1|2] and b=[1])'],
    ['NOT a BETWEEN "x y" AND z OR b=1', '(not aBETWEEN[x y|z] or b=[1])'],
    ['IN=1 BETWEEN = 2 IN IN (IN)', '(IN=[1] and BETWEEN=[2] and IN=[IN])'],
    ['first_name=1 custom_fields.my_key=1', '(firstName=[1] and customFields.my_key=[1])'],
    ['associations.partner_of.given_name=1 a_b.c_d=1', '(associations.partner_of.givenName=[1] and aB.cD=[1])'],
  ])('reads %s', (filter, expected) => {
    expect(show(parseFilter(filter))).toBe(expected);
  });

  test.each([
    ['a IN 1', 6],
    ['a IN ()', 7],
    ['a IN (1 2)', 9],
    ['a IN (1,', 9],
    ['a BETWEEN 1', 12],
    ['a BETWEEN 1 OR 2', 13],
    ['a BETWEEN AND 2', 15],
  ])('reports the position of the error in %s', (filter, position) => {
    expect(violationOf(filter)?.description).toMatch(new RegExp(`^at character ${position}: `));
  });

  test('bounds depth, and numbers of comparisons and values', () => {
    const nested = (depth: number) => `${'('.repeat(depth)}a=1${')'.repeat(depth)}`;
    const wide = (terms: number) => Array<string>(terms).fill('a=1').join(' OR ');

    expect(show(parseFilter(nested(20)))).toBe('a=[1]');
    expect(violationOf(nested(21))).toMatchObject({ reason: 'FILTER_SYNTAX' });
    expect(parseFilter(wide(50))).toBeDefined();
    expect(violationOf(wide(51))?.description).toContain('more than 50');
    expect(parseFilter(`a IN (${Array<string>(100).fill('1').join()})`)).toBeDefined();
    expect(violationOf(`a IN (${Array<string>(101).fill('1').join()})`)?.description).toContain('more than 100');
  });
});
