import { createHmac } from 'node:crypto';
import { sharedPlatform } from '@rapport/testing';
import pg from 'pg';
import { beforeAll, expect, inject, onTestFinished, test, vi } from 'vitest';
import { ApiClient } from './api-client.ts';
import { sharedChromium } from './shared-chromium.ts';

type Json = Record<string, unknown>;

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;
let tenantId: string;
let secret: Buffer;

beforeAll(async () => {
  const tenant = await platform.createTenant('Kestrel Instruments');
  tenantId = tenant.tenantId;
  api = await ApiClient.connect(platform.edgeUrl, tenant.apiKey);
  await send('POST', '/v1/mailboxes', { address: 'news@kestrel.example', kind: 'SEND_ONLY' });
  await send('POST', '/v1/topics', { key: 'newsletter', name: 'Monthly newsletter' });
  await send('POST', '/v1/topics', { key: 'offers', name: 'Offers', description: 'Every week.' });
  secret = await mailSecret();
}, 120_000);

async function send(method: string, path: string, body?: object): Promise<Json> {
  const answer = await api.send(method, path, body && { body });
  expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body as Json;
}

/** Signs the links of the tenant. */
async function mailSecret(): Promise<Buffer> {
  const client = new pg.Client(platform.customersDatabase.superuserUrl);
  await client.connect();
  const read = async () =>
    (await client.query<{ secret: Buffer }>('select secret from mail_key where tenant_id = $1', [tenantId])).rows[0];
  const row = await vi.waitUntil(read, { timeout: 60_000 });
  await client.end();
  return row.secret;
}

/** A customer who gets both topics, and the paths of the links in a mail of one. Tokens are made by hand here. */
async function subscriber() {
  const emails = [{ address: `${crypto.randomUUID()}@example.com` }];
  const id = String((await send('POST', '/v1/customers', { kind: 'PERSON', displayName: 'Ada', emails }))['id']);
  for (const purpose of ['newsletter', 'offers']) {
    const consent = { purpose, channel: 'EMAIL', state: 'GIVEN', legalBasis: 'CONSENT', source: 'test' };
    await send('POST', `/v1/customers/${id}/consents`, consent);
  }
  const bytes = (uuid: string) => Buffer.from(uuid.replaceAll('-', ''), 'hex');
  const payload = Buffer.concat([...[tenantId, id, crypto.randomUUID()].map(bytes), Buffer.from('newsletter')]);
  const tokenOf = (page: string) => {
    const signature = createHmac('sha256', secret).update(`link ${page} `).update(payload).digest();
    return Buffer.concat([payload, signature.subarray(0, 16)]).toString('base64url');
  };
  return { id, unsubscribe: `/u/${tokenOf('UNSUBSCRIBE')}`, preferences: `/p/${tokenOf('PREFERENCES')}` };
}

async function consents(id: string): Promise<Json> {
  const { consents: all } = await send('GET', `/v1/customers/${id}/consents?currentOnly=true`);
  return Object.fromEntries(
    (all as { purpose: string; state: string }[]).map(({ purpose, state }) => [purpose, state]),
  );
}

test('scanners that fetch the links of mails by GET and HEAD change nothing', async () => {
  const { id, unsubscribe, preferences } = await subscriber();
  for (const method of ['GET', 'HEAD', 'GET']) {
    for (const path of [unsubscribe, preferences]) {
      const answer = await fetch(platform.edgeUrl + path, { method });
      expect([answer.status, answer.headers.get('set-cookie')]).toEqual([200, null]);
    }
  }
  expect(await consents(id)).toEqual({ newsletter: 'GIVEN', offers: 'GIVEN' });
});

test.each([
  ['a form', () => new URLSearchParams({ 'List-Unsubscribe': 'One-Click' })],
  ['parts', oneClickParts],
])('one click without a cookie ends exactly the topic of the mail, as %s', async (_form, body) => {
  const { id, unsubscribe } = await subscriber();
  const answer = await fetch(platform.edgeUrl + unsubscribe, { method: 'POST', body: body(), redirect: 'manual' });
  expect([answer.status, answer.headers.get('set-cookie')]).toEqual([200, null]);
  expect(await consents(id)).toEqual({ newsletter: 'WITHDRAWN', offers: 'GIVEN' });
});

function oneClickParts(): FormData {
  const parts = new FormData();
  parts.set('List-Unsubscribe', 'One-Click');
  return parts;
}

test('a token that nobody signed is a page that is not found, by every method', async () => {
  const { unsubscribe } = await subscriber();
  for (const path of [`${unsubscribe.slice(0, -3)}abc`, '/u/x', '/p/x', '/confirm/x']) {
    for (const method of ['GET', 'HEAD', 'POST']) {
      expect((await fetch(platform.edgeUrl + path, { method })).status, `${method} ${path}`).toBe(404);
    }
  }
});

test('the preferences are chosen by the keyboard alone, and fit a phone', async () => {
  const { id, preferences } = await subscriber();
  const chromium = await sharedChromium();
  const context = await chromium.newContext({ locale: 'en-GB', viewport: { width: 390, height: 844 } });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  await page.goto(platform.edgeUrl + preferences);
  await page.getByRole('checkbox', { name: 'Offers' }).focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('Your choice is saved.').waitFor();

  expect(await consents(id)).toEqual({ newsletter: 'GIVEN', offers: 'WITHDRAWN' });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  expect(complaints).toEqual([]);
  if (process.env['SHOT']) await page.screenshot({ path: process.env['SHOT'] });
});
