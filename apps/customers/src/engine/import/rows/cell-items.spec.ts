import fc from 'fast-check';
import { expect, test } from 'vitest';
import { itemSeparators, joinItems, splitItems } from '../../values/cell-items.js';

test.each(Object.entries(itemSeparators))('any items of %s round-trip through one cell', (_, separator) => {
  const joint = separator === itemSeparators.choice ? '; ' : '\n';
  const part = fc.oneof(
    fc.constantFrom('"', '""', ',', ';', '\n', '\r', ' ', ' ::: ', 'a'),
    fc.string({ maxLength: 3 }),
  );
  const item = fc
    .array(part, { maxLength: 6 })
    .map((parts) => parts.join('').trim())
    .filter((text) => text !== '');
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 5 }), (items) => {
      expect(splitItems(joinItems(items, separator, joint), separator).map((text) => text.trim())).toEqual(items);
    }),
  );
});

test.each([
  ['vip, b2b', ['vip', ' b2b']],
  ['"a,b", c', ['a,b', ' c']],
  ['"Big" Corp, other', ['"Big" Corp', ' other']],
  ['5" pipe,8" pipe', ['5" pipe', '8" pipe']],
  ['"open, c', ['"open', ' c']],
  ['"a"', ['a']],
  ['"",x', ['', 'x']],
])('%j has the items %j', (cell, items) => {
  expect(splitItems(cell, itemSeparators.tag)).toEqual(items);
});
