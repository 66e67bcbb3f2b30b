import { freePort, startPlatform, type Platform } from '@rapport/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { browseCustomers } from '../scenarios/browse-customers.ts';
import { takeCheckResults } from './k6/k6.ts';

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform();
});

afterAll(() => platform.stop());

test('passes every check on a tenant with customers', async () => {
  const { apiKey } = await platform.createTenant('Smoke');
  await createCustomer(apiKey, { kind: 'PERSON', givenName: 'María José', familyName: 'García & Ñíguez' });
  vi.stubGlobal('__ENV', { BASE_URL: platform.edgeUrl, API_KEY: apiKey });

  const { default: runSmoke } = await import('../smoke.ts');
  runSmoke();

  expect(takeCheckResults()).toEqual([
    { name: 'the list has customers', passed: true },
    { name: 'a listed customer can be read', passed: true },
    { name: 'its name finds it', passed: true },
  ]);
});

test('fails a check when the tenant is empty', async () => {
  const { apiKey } = await platform.createTenant('Empty');

  browseCustomers({ baseUrl: platform.edgeUrl, apiKey });

  expect(takeCheckResults()).toEqual([{ name: 'the list has customers', passed: false }]);
});

test('fails a check when the key is refused', () => {
  browseCustomers({ baseUrl: platform.edgeUrl, apiKey: 'rpt_live_nobody' });

  expect(takeCheckResults()).toEqual([{ name: 'the list has customers', passed: false }]);
});

test('fails a check when nobody answers', async () => {
  browseCustomers({ baseUrl: `http://127.0.0.1:${await freePort()}`, apiKey: 'rpt_live_nobody' });

  expect(takeCheckResults()).toEqual([{ name: 'the list has customers', passed: false }]);
});

test('does not start without a key', async () => {
  vi.resetModules();
  vi.stubGlobal('__ENV', { BASE_URL: platform.edgeUrl });

  await expect(import('../smoke.ts')).rejects.toThrow('API_KEY is not set.');
});

async function createCustomer(apiKey: string, customer: Record<string, string>): Promise<void> {
  const response = await fetch(`${platform.edgeUrl}/v1/customers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(customer),
  });
  if (!response.ok) throw new Error(await response.text());
}
