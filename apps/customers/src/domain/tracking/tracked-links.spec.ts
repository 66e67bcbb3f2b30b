import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { describe, expect, test } from 'vitest';
import { collectLinks, rewriteLinks, type LinkRewriting } from './tracked-links.js';
import { readImageToken, readLinkToken } from './tracking-token.js';

const offer = 'https://example.com/offer?a=1&b=2';
const home = 'https://example.com/';

function rewriting(urls: readonly string[], tracksOpens = false): LinkRewriting {
  const linkNumbers = new Map(urls.map((url, index) => [url, index + 1]));
  const publicUrl = 'https://crm.example.com';
  return { tenantId: v7(), recipientId: v7(), secret: randomBytes(32), publicUrl, linkNumbers, tracksOpens };
}

/** The links of a rewritten text: their parts and numbers. */
function tokensIn(text: string): string[] {
  return Array.from(text.matchAll(/\/c\/([\w-]+)/g), ([, token = '']) => {
    const { part, number, count } = readLinkToken(token) ?? {};
    return `${part} ${number} of ${count}`;
  });
}

describe('links that are collected', () => {
  test('are those that a reader can follow, each once', () => {
    const html = `<body><a href="https://example.com/offer?a=1&amp;b=2">A</a><A HREF='${home}'>B</A>
      <map><area href=${home}></map><link href="https://example.com/style.css">
      <!-- <a href="https://example.com/comment"></a> --><script>'<a href="https://example.com/script">'</script></body>`;
    expect(collectLinks({ html, text: `See ${home}, or https://example.com/text.` })).toEqual([
      ...[offer, home, 'https://example.com/text'],
    ]);
  });

  test.each([
    ['a variable', '<a href="https://example.com/{{ customer.id }}">'],
    ['a tag', '<a href="{% if a %}https://example.com/{% endif %}">'],
    ['an address of a mailbox', '<a href="mailto:ada@example.com">'],
    ['a script', '<a href="javascript:alert(1)">'],
    ['spaces', '<a href="https://example.com/a b">'],
    ['more than a redirect can have', `<a href="https://example.com/${'a'.repeat(2_000)}">`],
    ['no value', '<a href>'],
  ])('leave out %s', (_name, html) => {
    expect(collectLinks({ html, text: '' })).toEqual([]);
  });
});

describe('links that are rewritten', () => {
  test('lead through Rapport, after one that people cannot see', () => {
    const html = `<html><body class="a"><a href="${offer.replace('&', '&amp;')}">A</a> <a href='${home}'>B</a></body></html>`;
    const { html: written = '' } = rewriteLinks({ html, text: '' }, rewriting([offer, home]));
    expect(tokensIn(written)).toEqual(['HTML 0 of 2', 'HTML 1 of 2', 'HTML 2 of 2']);
    expect(written).toMatch(/^<html><body class="a"><a href="[^"]+" aria-hidden="true" tabindex="-1"><\/a><a href="/);
    expect(written).not.toContain('example.com/offer');
    expect(written.replaceAll(/<a href="[^"]+" aria-hidden[^>]+><\/a>/g, '').replaceAll(/https:[^"']+/g, 'URL')).toBe(
      `<html><body class="a"><a href="URL">A</a> <a href='URL'>B</a></body></html>`,
    );
  });

  test('keep the end of a sentence, and their number in the text', () => {
    const { text } = rewriteLinks({ text: `See ${home}. Or (${offer})!` }, rewriting([offer, home]));
    expect(tokensIn(text)).toEqual(['TEXT 2 of 2', 'TEXT 1 of 2']);
    expect(text.replaceAll(/\/c\/[\w-]+/g, '/c/T')).toBe(
      'See https://crm.example.com/c/T. Or (https://crm.example.com/c/T)!',
    );
  });

  test('are those with a number only: without any, nothing changes', () => {
    const mail = { html: `<p><a href="${home}">A</a><a href="https://example.org/">B</a></p>`, text: home };
    expect(rewriteLinks(mail, rewriting([]))).toEqual(mail);
    expect(tokensIn(rewriteLinks(mail, rewriting([home])).html ?? '')).toEqual(['HTML 0 of 1', 'HTML 1 of 1']);
  });

  test('with opens, the image comes last', () => {
    const options = rewriting([], true);
    const { html = '' } = rewriteLinks({ html: '<body><p>Hello</p></body>', text: '' }, options);
    const [, token = ''] = /^<body><p>Hello<\/p><img src="[^"]+\/o\/([\w-]+)"[^>]*><\/body>$/.exec(html) ?? [];
    expect(readImageToken(token)).toMatchObject({ tenantId: options.tenantId, recipientId: options.recipientId });
  });
});

describe('a token', () => {
  const { html = '' } = rewriteLinks({ html: `<a href="${home}">A</a>`, text: '' }, rewriting([home]));
  const [, token = ''] = /\/c\/([\w-]+)/.exec(html) ?? [];

  test('is signed with the secret of the tenant', () => {
    expect(readLinkToken(token)?.isSignedBy(randomBytes(32))).toBe(false);
    const options = rewriting([home]);
    const [, own = ''] = /\/c\/([\w-]+)/.exec(rewriteLinks({ text: home }, options).text) ?? [];
    expect(readLinkToken(own)?.isSignedBy(options.secret)).toBe(true);
    for (let place = 0; place < own.length; place += 1) {
      const forged = own.slice(0, place) + (own[place] === 'A' ? 'B' : 'A') + own.slice(place + 1);
      expect(readLinkToken(forged)?.isSignedBy(options.secret) ?? false).toBe(false);
    }
  });

  test.each(['', 'a', 'é', token.slice(1), `${token}A`, `${token}=`])('is not %j', (text) => {
    expect(readLinkToken(text)).toBeUndefined();
    expect(readImageToken(text)).toBeUndefined();
  });
});
