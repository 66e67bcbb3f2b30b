import { expect, it } from 'vitest';
import { jsonSize } from './json-size.js';

it.each([
  ['', 0, 0],
  ['7', 0, 0],
  ['[]', 1, 1],
  ['[1,2,3]', 3, 1],
  ['{"a":{"b":[{},{}]}}', 6, 4],
  ['["a,b","[{"]', 2, 1],
  [String.raw`["\"[,","\\",","]`, 3, 1],
  ['["not closed,,,', 1, 1],
  ['[[[]],[]]', 5, 3],
])('measures %s', (text, parts, depth) => {
  expect(jsonSize(text)).toEqual({ parts, depth });
});
