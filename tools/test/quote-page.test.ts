import { sharedPlatform } from '@rapport/testing';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { ApiClient } from './api-client.ts';
import { sharedChromium } from './shared-chromium.ts';

type Json = Record<string, unknown>;

const platform = await sharedPlatform(inject('platformUrl'));
let chromium: Browser;
let api: ApiClient;

beforeAll(async () => {
  chromium = await sharedChromium();
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Kestrel Instruments')).apiKey);
}, 120_000);

async function send(method: string, path: string, body?: object): Promise<Json> {
  const answer = await api.send(method, path, body && { body });
  expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body as Json;
}

const tax = { mode: 'EXCLUSIVE', category: 'STANDARD', rate: '19' };
const quote = {
  title: '50 seats for Analytical Engines, with on-site training and migration of the address book',
  currency: 'EUR',
  validUntil: '2099-12-31',
  issuer: 'Kestrel Instruments Ltd\n1 Harbour Road\nBristol BS1 5TY',
  conditions: 'Payment within 30 days.\nPrices are valid for the quantities above.',
  lineItems: [
    { description: 'Seat, one year', quantity: '50', unitPrice: '1129.95', discount: { percent: '12.5' }, tax },
    { description: 'Migration of the address book, with a rehearsal', quantity: '1', unitPrice: '4800', tax },
    { description: 'Training on site, in two groups', quantity: '2.5', unitPrice: '950', tax: { ...tax, rate: '7' } },
  ],
};

/** A quote that was sent. @returns its id, that of its deal, and the path of its page */
async function sentQuote(): Promise<{ id: string; dealId: string; path: string }> {
  const stages = [
    { key: 'new', name: 'New', kind: 'OPEN' },
    { key: 'won', name: 'Won', kind: 'WON' },
  ];
  const pipelineId = (await send('POST', '/v1/pipelines', { name: 'Sales', stages }))['id'];
  const dealId = String((await send('POST', '/v1/deals', { title: 'A deal', pipelineId, stage: 'new' }))['id']);
  const id = String((await send('POST', '/v1/quotes', { ...quote, dealId }))['id']);
  return { id, dealId, path: String((await send('POST', `/v1/quotes/${id}:send`))['path']) };
}

/** A page in a browser of its own, and what the browser complained of. */
async function open(path: string, options: BrowserContextOptions): Promise<{ page: Page; complaints: string[] }> {
  const context = await chromium.newContext({ locale: 'en-GB', ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('request', (request) => {
    if (!request.url().startsWith(platform.edgeUrl)) complaints.push(request.url());
  });
  await page.goto(platform.edgeUrl + path);
  return { page, complaints };
}

describe('the page of a quote', () => {
  it.each([
    ['a phone', { width: 390, height: 844 }],
    ['a desk', { width: 1_440, height: 900 }],
  ])('is whole on %s: nothing is cut, and every figure is on one line', async (_where, viewport) => {
    const { page, complaints } = await open((await sentQuote()).path, { viewport });

    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width);
    const lineCounts = await page.evaluate<number[]>(`[...document.querySelectorAll('td.figure, dd')].map((each) => {
      const range = document.createRange();
      range.selectNodeContents(each);
      return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size;
    })`);
    expect(lineCounts.length).toBeGreaterThan(10);
    expect(new Set(lineCounts)).toEqual(new Set([1]));
    for (const button of await page.getByRole('button').all()) {
      expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(44);
    }
    // Its own style sheet is applied, and nothing else was asked for.
    const background = await page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor");
    expect(background).toMatch(/^oklch\(0\.995/);
    expect(await page.getByText('€67,081.27').count()).toBe(1);
    expect(complaints).toEqual([]);
  });

  it('is accepted by the keyboard, without a script; then the deal is won for every reader, and the link has ended', async () => {
    const { id, dealId, path } = await sentQuote();
    const readDeal = () => send('GET', `/v1/deals/${dealId}`);
    expect(await readDeal()).toMatchObject({ status: 'OPEN' });
    const { page } = await open(path, { javaScriptEnabled: false });
    await page.getByLabel('Your full name').fill('Ada Lovelace');
    await page.keyboard.press('Enter');

    await page.getByText('Accepted by Ada Lovelace on').waitFor();
    expect(await page.getByRole('button').count()).toBe(0);
    expect(await readDeal()).toMatchObject({ status: 'WON', amount: { currencyCode: 'EUR' } });
    expect(await send('GET', `/v1/quotes/${id}`)).toMatchObject({ state: 'ACCEPTED' });
    expect((await page.goto(platform.edgeUrl + path))?.status()).toBe(404);
    expect(await page.getByRole('heading').textContent()).toBe('This link is not valid');
  });

  it('is declined in Chinese', async () => {
    const { id, path } = await sentQuote();
    const { page } = await open(path, { locale: 'zh-CN' });
    await page.getByText('不符合您的需要').click();
    await page.getByLabel('原因').fill('太晚了');
    await page.getByRole('button', { name: '拒绝报价' }).click();
    await page.getByText('您已拒绝此报价').waitFor();
    expect(await send('GET', `/v1/quotes/${id}`)).toMatchObject({ state: 'DECLINED', reason: '太晚了' });
  });
});
