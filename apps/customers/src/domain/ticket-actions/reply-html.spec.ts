import { expect, test } from 'vitest';
import { replyHtml } from './reply-html.js';

test.each([
  ['paragraphs', '<p>x</p>', '<p>x</p>'],
  ['signs', '<', '&lt;'],
  ['links', '<a href="https://a.example">y</a>', '<a href="https://a.example">y</a>'],
])('the longest HTML of %s is made safe while other work goes on', async (_, part, safe) => {
  const count = Math.floor(500_000 / part.length);
  const order: string[] = [];
  setImmediate(() => order.push('other work'));

  const html = await replyHtml('tenant', part.repeat(count));
  order.push('reply');

  expect(html).toBe(safe.repeat(count));
  expect(order).toEqual(['other work', 'reply']);
});
