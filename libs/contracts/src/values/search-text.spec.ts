import { expect, test } from 'vitest';
import { fold, sortName } from './search-text.js';

test.each([
  ['Łódź Øre Straße Æsir İzmir ISTANBUL', 'lodz ore strasse aesir izmir istanbul'],
  ['ﬁancé Ⅳ ｆｕｌｌ', 'fiance iv full'],
  ['Ἀθῆναι', 'αθηναι'],
  ['北京', '北京'],
])('fold leaves out case, accents and compatibility forms of %s', (text, folded) => {
  expect(fold(text)).toBe(folded);
  expect(fold(folded)).toBe(folded);
});

test('sortName fits into an index for every name', () => {
  expect(Buffer.byteLength(sortName('\ufdfa'.repeat(300)))).toBeLessThan(1_000);
  expect(sortName('😀'.repeat(300)).isWellFormed()).toBe(true);
});
