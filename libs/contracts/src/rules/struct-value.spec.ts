import { describe, expect, it } from 'vitest';
import { structViolation } from './struct-value.js';

const nested = (levels: number): object => (levels === 1 ? {} : { a: nested(levels - 1) });

describe('an object of any shape', () => {
  it.each([
    ['nothing', {}],
    [
      'every kind of value',
      { text: 'a', number: -1.5, flag: false, nothing: null, list: [1, [null]], object: { '': 0 } },
    ],
    ['5 levels', nested(5)],
    ['1,000 values', { list: new Array<number>(999).fill(0) }],
  ])('may have %s', (_case, struct) => expect(structViolation(struct)).toBeUndefined());

  it.each([
    ['a NUL in a text', { a: ['\0'] }, 'BAD_CHARACTERS'],
    ['a NUL in a name', { a: { 'b\0': {} } }, 'BAD_CHARACTERS'],
    ['half a surrogate pair', { a: '\ud800' }, 'BAD_CHARACTERS'],
    ['a number that JSON does not know', { a: Infinity }, 'TOO_LARGE'],
    ['no number', { a: NaN }, 'TOO_LARGE'],
    ['a value of no kind', { a: [undefined] }, 'UNKNOWN_VALUE'],
    ['6 levels', nested(6), 'TOO_DEEP'],
    ['6 levels of lists', { a: [[[[[]]]]] }, 'TOO_DEEP'],
    ['1,001 values', { list: new Array<number>(1_000).fill(0) }, 'TOO_MANY_ITEMS'],
  ])('may not have %s', (_case, struct, reason) => expect(structViolation(struct)).toMatchObject({ reason }));
});

it.each([
  ['object', {}],
  ['list', Array<number>(1_001).fill(1)],
])('no value of an %s with too many is read', (_, values) => {
  for (let index = 0; index < 1_000; index += 1) Object.assign(values, { [index]: 1 });
  Object.defineProperty(values, 1_000, {
    enumerable: true,
    get() {
      throw new Error('was read');
    },
  });

  expect(structViolation({ values })?.reason).toBe('TOO_MANY_ITEMS');
});
