import { expect, test } from 'vitest';
import { isFromProgram } from './reading-programs.js';

const browser = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

test.each([
  ['a browser', 'GET', { 'user-agent': browser }, false],
  ['a HEAD', 'HEAD', { 'user-agent': browser }, true],
  ['a prefetch of Chromium', 'GET', { 'user-agent': browser, 'sec-purpose': 'prefetch;prerender' }, true],
  ['a preview of Safari', 'GET', { 'user-agent': browser, 'x-purpose': 'preview' }, true],
  ['a request without a user agent', 'GET', {}, true],
  ['a program', 'GET', { 'user-agent': 'curl/8.14.1' }, true],
  ['a crawler', 'GET', { 'user-agent': 'Mozilla/5.0 (compatible; bingbot/2.0)' }, true],
])('%s', (_name, method, headers, expected) => {
  expect(isFromProgram({ method, headers })).toBe(expected);
});
