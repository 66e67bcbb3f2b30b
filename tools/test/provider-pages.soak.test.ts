import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isSoak, printedSeed, sharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, test } from 'vitest';
import { ApiClient } from './api-client.ts';
import { mailedLink } from './people.ts';
import { sharedChromium } from './shared-chromium.ts';

type Browser = Awaited<ReturnType<typeof sharedChromium>>;
type Page = Awaited<ReturnType<Browser['newPage']>>;

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const timeout = 300_000;

const platform = await sharedPlatform(inject('platformUrl'));
let browser: Browser;
/** Addresses of the provider's pages that need no session. */
let pages: Record<string, string>;

beforeAll(async () => {
  browser = await sharedChromium();
  const api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Kestrel Instruments')).apiKey);
  const email = `${crypto.randomUUID()}@example.com`;
  const displayName = 'Maximiliane Großherzogin-Württemberg';
  await api.send('POST', '/v1/users', { body: { email, displayName, roleIds: ['read-only'] } });
  pages = {
    'sign in': `${platform.edgeUrl}/console/sign-in?workspace=kestrel-instruments`,
    'an invitation': await mailedLink(platform, email),
    'a link that no longer works': `${platform.edgeUrl}/oauth/invitation?token=x`,
    'an error': `${platform.edgeUrl}/oauth/authorize?client_id=none`,
    'signed out': `${platform.edgeUrl}/oauth/logout`,
  };
}, 600_000);

/** Opens a page in a language, a colour scheme and a width, and checks it. */
async function check(address: string, look: { locale: string; colorScheme: 'light' | 'dark'; width: number }) {
  const { locale, colorScheme, width } = look;
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, locale, bypassCSP: true });
  try {
    const page = await context.newPage();
    await page.goto(address);
    await expectGood(page, look);
    return page.url();
  } finally {
    await context.close();
  }
}

async function expectGood(page: Page, { locale, width }: { locale: string; width: number }): Promise<void> {
  await page.evaluate(axe);
  const source = `axe.run(document, { runOnly: ${JSON.stringify(tags)} }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html)))`;
  expect(await page.evaluate<string[]>(source)).toEqual([]);
  expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
  expect(await page.locator('html').getAttribute('lang')).toBe(locale);
}

const looks = (['en', 'zh-CN'] as const).flatMap((locale) =>
  (['light', 'dark'] as const).flatMap((colorScheme) => [320, 1_280].map((width) => ({ locale, colorScheme, width }))),
);

const seed = printedSeed('pages of the provider');

/** Each page in one look by the seed, in all of them in the long form. */
const views = ['sign in', 'an invitation', 'a link that no longer works', 'an error', 'signed out'].flatMap(
  (name, index) =>
    (isSoak ? looks : [looks[(seed + 3 * index) % looks.length]!]).map((look): [string, (typeof looks)[number]] => [
      name,
      look,
    ]),
);

test.each(views)('%s keeps WCAG 2.2 AA in %j', { timeout }, async (name, look) => {
  const url = await check(pages[name] ?? '', look);

  expect(url).toContain(name === 'sign in' ? '/oauth/interactions/' : platform.edgeUrl);
});

test(
  'a refused sign-in says so next to the fields, and keeps what was typed but the password',
  { timeout },
  async () => {
    const context = await browser.newContext({ locale: 'en', bypassCSP: true });
    const page = await context.newPage();
    await page.goto(pages['sign in'] ?? '');
    await page.getByLabel('E-mail address').fill('ada@example.com');
    await page.getByLabel('Password').fill('wrong password');
    await page.keyboard.press('Enter');

    await page.getByRole('alert').waitFor();
    await expectGood(page, { locale: 'en', width: 1_280 });
    expect(await page.getByLabel('Workspace').inputValue()).toBe('kestrel-instruments');
    expect(await page.getByLabel('E-mail address').inputValue()).toBe('ada@example.com');
    expect(await page.getByLabel('Password').inputValue()).toBe('');
    expect(await page.evaluate<string>('document.activeElement.name')).toBe('password');
    await context.close();
  },
);
