import { expect, test } from 'vitest';
import { cutText } from './cut-text.js';

test.each([
  ['short', 5, 'short'],
  ['longer', 4, 'long'],
  ['ab🦊', 3, 'ab🦊'],
  ['ab🦊c', 3, 'ab🦊'],
  ['ab🦊c', 2, 'ab'],
  ['a👩‍👩‍👧b', 3, 'a'],
  ['a👩‍👩‍👧b', 6, 'a👩‍👩‍👧'],
  ['🇩🇪🇨🇳🇫🇷', 3, '🇩🇪'],
  ['e\u0301e\u0301', 3, 'e\u0301'],
  [`a${'\u0301'.repeat(500)}`, 10, `a${'\u0301'.repeat(9)}`],
  [`ab${'\u0301'.repeat(500)}`, 100, `ab${'\u0301'.repeat(98)}`],
  ['🦊🦊', 0, ''],
])('cuts %j after %i code points', (text, most, cut) => {
  expect(cutText(text, most)).toBe(cut);
  expect(cutText(text, most).isWellFormed()).toBe(true);
});
