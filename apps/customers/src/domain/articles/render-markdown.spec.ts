import { expect, it } from 'vitest';
import { renderMarkdown } from './render-markdown.js';

const render = (markdown: string) => renderMarkdown('tenant', markdown);

it('renders Markdown below the title of a page', async () => {
  expect(await render('# One\n\nOpen **Settings** & `x < y`.\n\n- [ ] a\n- [x] b')).toBe(
    '<h2>One</h2>\n<p>Open <strong>Settings</strong> &amp; <code>x &lt; y</code>.</p>\n' +
      '<ul>\n<li>☐ a</li>\n<li>☑ b</li>\n</ul>\n',
  );
});

it('keeps links to the web, to mailboxes and within the site', async () => {
  const markdown = '[a](https://example.com/?a=1&b=2) [b](mailto:a@example.com) [c](../en/other#x) [d](other)';
  const links = [...(await render(markdown)).matchAll(/href="([^"]*)"/g)].map(([, href]) => href);
  expect(links).toEqual(['https://example.com/?a=1&#38;b=2', 'mailto:a@example.com', 'other']);
});

it.each([
  ['a script', '<script>alert(1)</script>'],
  ['an element with a handler', 'x <img src=x onerror=alert(1)> y'],
  ['a link to a script', '[a](javascript:alert(1)) [b](JaVaScript:alert(1)) [c](data:text/html,x) [d](vbscript:x)'],
  ['a link to a script in a reference', '[a][b]\n\n[b]: javascript:alert(1)'],
  ['an automatic link', '<javascript:alert(1)>'],
  ['an image', '![a"onerror="alert(1)](https://example.com/x.png)'],
  ['a breakout of an address', '[a](https://example.com/"onmouseover="alert(1))'],
  ['a breakout of code', '```"><script>alert(1)</script>\n</code><script>alert(1)</script>\n```'],
  ['a comment', '<!-- x --><style>*{}</style><iframe src="//example.com">'],
])('shows %s as text', async (_what, markdown) => {
  const rendered = await render(markdown);
  const tags = rendered.match(/<[^<>]*>/g) ?? [];
  const allowed = /^<\/?(?:p|h[1-6]|a|code|pre|em|strong|ul|ol|li|br)(?: (?:href|rel|class)="[^"<>]*")*>$/;
  expect(tags.filter((tag) => !allowed.test(tag))).toEqual([]);
  expect(rendered).not.toMatch(/href="\s*(?:javascript|data|vbscript)/i);
});

it('goes on after what takes too long', { timeout: 30_000 }, async () => {
  await render(`${'['.repeat(50_000)}${'*a '.repeat(10_000)}`).catch(() => undefined);
  expect(await render('a')).toBe('<p>a</p>\n');
});
