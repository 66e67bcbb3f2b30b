import { expect, it } from 'vitest';
import { runLiquid } from './render-liquid.js';

const mjml = (body: string) =>
  `<mjml><mj-body><mj-section><mj-column>${body}</mj-column></mj-section></mj-body></mjml>`;
const check = (body: string) => runLiquid('tenant', { source: { isHtml: true, isMjml: true, body } });
const render = (body: string, isMjml = true) =>
  runLiquid('tenant', {
    source: { isHtml: true, isMjml, body },
    rendering: {
      values: { name: 'Ada <b>', urls: ['https://rapport.example/?a=1&b=2'] },
      timeZone: 'UTC',
      locale: 'en',
    },
  });

const sound = mjml(`<mj-text>Hello {{ name }}</mj-text><mj-raw>{% for url in urls %}</mj-raw>
  <mj-button href="{{ url }}">Go</mj-button><mj-raw>{% endfor %}</mj-raw>`);

it('MJML becomes HTML that shows values, and a plain text', async () => {
  const done = await check(sound);
  expect(done).toMatchObject({ variables: ['name', 'urls'] });
  const { html = '' } = done as { html?: string };
  expect(html.toLowerCase()).toContain('<!doctype html>');
  expect(html).not.toMatch(/<mj|fonts\.googleapis/);
  const rendered = await render(html, false);
  expect(rendered).toEqual(await render(sound));
  expect(rendered).toMatchObject({
    rendered: {
      html: expect.stringContaining('href="https://rapport.example/?a=1&amp;b=2"') as string,
      text: expect.stringMatching(/^Hello Ada <b>\s+Go \[https:\/\/rapport\.example\/\?a=1&b=2\]$/) as string,
    },
  });
});

it.each<[what: string, body: string, message: RegExp]>([
  ['includes a file', mjml('<mj-include path="/etc/passwd" />'), /^Includes are not allowed\.$/],
  [
    'includes a file as CSS',
    '<mjml><mj-head><mj-include path="./a.css" type="css" /></mj-head></mjml>',
    /^Includes are not/,
  ],
  ['includes an address', mjml('<mj-include path="http://127.0.0.1:5432/" />'), /^Includes are not allowed\.$/],
  [
    'declares entities',
    `<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>${mjml('<mj-text>&a;</mj-text>')}`,
    /token/,
  ],
  ['is not closed', '<mjml><mj-body>', /end of stream/],
  ['is not MJML', 'Hello', /unknown token/],
  ['has a fault of Liquid', mjml('<mj-text>{{ name </mj-text>'), /not closed/],
  ['includes by Liquid', mjml('<mj-text>{% include "a" %}</mj-text>'), /tag "include" not found/],
  ['is too long', mjml(`<mj-text>${'x'.repeat(200_000)}</mj-text>`), /limit exceeded/],
  [
    'is nested too deeply',
    mjml('<mj-wrapper>'.repeat(20_000) + '</mj-wrapper>'.repeat(20_000)),
    /too much time or memory|limit/,
  ],
  ['becomes very long', mjml('<mj-button>x</mj-button>'.repeat(3_000)), /more than 500000/],
])('MJML that %s is refused, and the next one compiled', { timeout: 60_000 }, async (_what, body, message) => {
  expect(await check(body)).toMatchObject({
    faults: [{ field: 'body', message: expect.stringMatching(message) as string }],
  });
  expect(await check(sound)).toHaveProperty('html');
});

it('a fault has its place', async () => {
  const body = `<mjml>\n<mj-body>\n  <mj-include path="x" />\n</mj-body></mjml>`;
  expect(await check(body)).toMatchObject({ faults: [{ line: 3 }] });
});
