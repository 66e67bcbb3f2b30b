import { isSoak, sharedPlatform } from '@rapport/testing';
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import type { OpenApi } from './open-api.ts';
import { sharedChromium } from './shared-chromium.ts';

type Browser = Awaited<ReturnType<typeof sharedChromium>>;
type Page = Awaited<ReturnType<Browser['newPage']>>;

let url: string;
let page: Page;
/** What the browser complained of, such as a refused style, and what it asked of other origins. */
let faults: string[];

beforeAll(async () => {
  ({ edgeUrl: url } = await sharedPlatform(inject('platformUrl')));
  const browser = await sharedChromium();
  page = await browser.newPage({ viewport: { width: 390, height: 800 } });
  page.setDefaultTimeout(300_000);
  page.on('console', (message) => message.type() === 'error' && faults.push(`${page.url()}: ${message.text()}`));
  page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.message}`));
  page.on('request', (request) => {
    const isOurs = request.url().startsWith(`${url}/`) || request.url().startsWith('data:');
    if (!isOurs) faults.push(`${page.url()} asks ${request.url()}`);
  });
}, 600_000);

beforeEach(() => {
  faults = [];
});

afterAll(() => page?.context().close());

it(
  'the guide fits a phone, keeps the content security policy and asks no other origin',
  { timeout: 300_000 },
  async () => {
    await page.goto(`${url}/docs`);
    const links = await page.locator('.pages a').all();
    const guide = await Promise.all(links.map((link) => link.getAttribute('href')));
    expect(guide.length).toBeGreaterThanOrEqual(12);
    for (const path of guide) {
      const answer = await page.goto(`${url}${path}`);
      expect(answer?.status(), path ?? '').toBe(200);
      expect(await page.locator('h1').count(), path ?? '').toBe(1);
      expect(await page.locator('.pages [aria-current=page]').count(), path ?? '').toBe(1);
      const width = await page.evaluate<number>('document.documentElement.scrollWidth');
      expect(width, path ?? '').toBeLessThanOrEqual(390);
    }
    expect(faults).toEqual([]);
  },
);

it('the reference opens an operation of customers, by the same rules', { timeout: 300_000 }, async () => {
  // The page takes 16 s of processor time to show the whole document.
  if (!isSoak) {
    await page.route('**/openapi.json', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: partOf((await response.json()) as OpenApi, '/v1/customers') });
    });
  }
  await page.goto(`${url}/docs/reference`);
  const group = page.locator('.opblock-tag').first();
  await group.waitFor();
  expect(await group.textContent()).toMatch(/^Customers/);
  await group.click();
  await page.locator('.opblock-summary').first().click();
  await page.locator('.opblock-body .responses-table').first().waitFor();
  expect(faults).toEqual([]);
});

/** The document with the paths that start so, and the components that they name. */
function partOf(openApi: OpenApi, start: string): OpenApi {
  const paths = Object.fromEntries(Object.entries(openApi.paths).filter(([path]) => path.startsWith(start)));
  const components: Record<string, Record<string, unknown>> = openApi.components;
  const named = new Set<string>();
  const read = (part: unknown) => {
    for (const [, kind = '', name = ''] of JSON.stringify(part).matchAll(/"#\/components\/(\w+)\/([^"]+)"/g)) {
      const key = `${kind}/${name}`;
      if (named.has(key)) continue;
      named.add(key);
      read(components[kind]?.[name]);
    }
  };
  read(paths);
  const keep = ([kind, all]: [string, Record<string, unknown>]) => [
    kind,
    kind === 'securitySchemes'
      ? all
      : Object.fromEntries(Object.entries(all).filter(([name]) => named.has(`${kind}/${name}`))),
  ];
  return { ...openApi, paths, components: Object.fromEntries(Object.entries(components).map(keep)) as never };
}
