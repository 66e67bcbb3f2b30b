import { expect, test } from 'vitest';
import { pageLanguage } from './languages.js';

test.each([
  [undefined, 'en'],
  ['', 'en'],
  ['de-DE,fr;q=0.5', 'en'],
  ['zh-CN,zh;q=0.9,en;q=0.8', 'zh-CN'],
  ['en;q=0.4, zh-Hant-TW;q=0.7', 'zh-CN'],
  ['en-GB, zh', 'en'],
  ['zh;q=0, en;q=0', 'en'],
  ['zh;q=x', 'en'],
  [`${'x'.repeat(500)},zh`, 'en'],
])('of a reader who accepts %s is %s', (accepted, language) => {
  expect(pageLanguage(accepted)).toBe(language);
});
