import { expect, test } from 'vitest';
import { replyHtml } from './reply-html.js';

test.each([
  ['paragraphs', '<p>x</p>', '<p>x</p>'],
  ['signs', '<', '&lt;'],
  ['links', '<a href="https://a.example">y</a>', '<a href="https://a.example">y</a>'],
])('the longest HTML of %s is made safe while other work goes on', async (_, part, safe) => {
  const count = Math.floor(500_000 / part.length);
  let turns = 0;
  const turn = () => {
    turns += 1;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);

  const html = await replyHtml('tenant', part.repeat(count));
  clearImmediate(next);

  expect(html).toBe(safe.repeat(count));
  expect(turns).toBeGreaterThan(0);
});
