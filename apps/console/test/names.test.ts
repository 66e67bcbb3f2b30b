import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goTo, Workspace, type Json } from './workspace.ts';

let workspace: Workspace;
let page: Page;
let customerId: string;
let pipelineId: string;
let teamId: string;

beforeAll(async () => {
  workspace = await Workspace.create();
  teamId = await make('/v1/teams', { displayName: 'Repairs South' });
  customerId = await make('/v1/customers', { kind: 'COMPANY', displayName: 'Nordlys Energi' });
  pipelineId = await make('/v1/pipelines', {
    name: 'Equipment',
    stages: [
      { key: 'new_in', name: 'Just arrived', kind: 'OPEN', probability: 10 },
      { key: 'won', name: 'Won', kind: 'WON' },
    ],
  });
  // Later, it would know of the pipeline only if its stream of changes were open already.
  page = await workspace.open('/');
});

afterAll(() => workspace.close());

const make = async (path: string, body: Json) => String((await workspace.api('POST', path, body))['id']);
const main = () => page.locator('#main');
/** The face, the name and the key facts of the record that is open. */
const headText = () => page.locator('#main h1').locator('xpath=../..').textContent();

describe('what the API has as an id or a key', () => {
  test('is shown by its name in lists and records', async () => {
    const queueId = await make('/v1/queues', { key: 'hardware', name: 'Hardware repairs' });
    await make('/v1/ticketStatuses', { key: 'parts', name: 'Waiting for parts', category: 'ON_HOLD' });
    const id = await make('/v1/tickets', { subject: 'The stand drifts', customerId, queueId, status: 'parts' });
    await goTo(page, '/tickets');
    const row = page.getByRole('row', { name: 'The stand drifts' });
    await row.getByText('Hardware repairs').waitFor();
    await row.getByText('Waiting for parts').waitFor();
    await goTo(page, `/tickets/${id}`);
    const fields = page.getByRole('region', { name: 'Fields' });
    await fields.getByRole('link', { name: 'Hardware repairs' }).waitFor();
    await fields.getByText('Waiting for parts').waitFor();
    expect(await fields.textContent()).not.toContain(queueId);
  });

  test('is shown by the name of its subject where a record has no name of its own', async () => {
    const productId = await make('/v1/products', { sku: 'tw-40', name: 'Torque wrench 40' });
    const priceBookId = await make('/v1/priceBooks', { key: 'nordics', name: 'Nordics', currencyCode: 'NOK' });
    await make(`/v1/priceBooks/${priceBookId}:setPrices`, { prices: [{ productId, unitPrice: '480.00' }] });
    const rate = { baseCurrency: 'EUR', quoteCurrency: 'NOK', date: '2026-01-31', rate: '11.7' };
    await make('/v1/exchangeRates:set', { rates: [rate] });
    await goTo(page, '/prices');
    await page.getByRole('row', { name: 'Torque wrench 40' }).getByText('Nordics').waitFor();
    await goTo(page, '/exchangeRates');
    await page.getByRole('row', { name: 'EUR' }).getByText('NOK').waitFor();
  });

  test('is shown by the name and the face of its customer at the head of a lead', async () => {
    await goTo(page, `/leads/${await make('/v1/leads', { customerId })}`);
    await page.getByRole('heading', { level: 1, name: 'Nordlys Energi' }).waitFor();
    await expect.poll(() => headText()).toMatch(/^NENordlys Energi/);
  });

  test('is left out of the names of operations and of help, which a later form has, too', async () => {
    await goTo(page, '/apiKeys');
    await page.getByRole('button', { name: 'New API key' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Create API key' });
    await dialog.getByText('The team whose records the scope Team includes').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  test('is shown by its name where a record has a list of them', async () => {
    await workspace.person(['read-only'], 'Noor Haddad');
    await goTo(page, '/users');
    await page.getByRole('row', { name: 'Noor Haddad' }).getByText('Read only').waitFor();
  });

  test('is shown by its name in the activity of a record', async () => {
    await make('/v1/deals', { title: 'Turbine monitoring', customerId, pipelineId, stage: 'new_in' });
    await goTo(page, `/customers/${customerId}`);
    const entry = page.getByRole('listitem').filter({ hasText: 'Just arrived' });
    await entry.getByRole('link', { name: 'Turbine monitoring' }).waitFor();
    await page.getByRole('listitem').getByText('Created', { exact: true }).first().waitFor();
    expect(await main().textContent()).not.toContain('new_in');
  });
});

describe('what the server writes', () => {
  test('names the flow and the record of a run, in place of their ids', async () => {
    const flowId = await make('/v1/flows', {
      ...{ key: 'greet', name: 'Greet newcomers' },
      definition: {
        trigger: { manual: { type: 'customer' } },
        steps: [{ key: 'wait', wait: { seconds: 3_600 } }],
      },
    });
    await workspace.api('POST', `/v1/flows/${flowId}:publish`);
    const runId = await make(`/v1/flows/${flowId}:run`, { recordId: customerId });
    await goTo(page, '/flowRuns');
    const row = page.getByRole('row', { name: 'Greet newcomers' });
    await row.getByText('Nordlys Energi').waitFor();
    expect(await row.textContent()).not.toMatch(/[\da-f]{8}/);
    await row.getByRole('link', { name: 'Greet newcomers' }).click();
    await page.waitForURL((url) => url.pathname === `/flowRuns/${runId}`);
    await main().getByRole('link', { name: 'Nordlys Energi' }).waitFor();
  });

  test('names the mapping of a run by its connection', async () => {
    const folder = join(workspace.platform.filesDir, workspace.tenantId);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'people.csv'), 'id,name\n1,Ada\n');
    const settings = { file: 'people.csv', format: 'CSV', idField: 'id' };
    const connectionId = await make('/v1/connections', { connector: 'file', displayName: 'Accounting', settings });
    const mappingId = await make('/v1/mappings', {
      ...{ connectionId, recordType: 'record', customerKind: 'PERSON', direction: 'TO_CUSTOMERS' },
      fields: [{ customerField: 'displayName', peerField: 'name' }],
    });
    const runId = await make('/v1/syncRuns', { mappingId, kind: 'RECONCILE' });
    await goTo(page, '/syncRuns');
    await page.getByRole('row', { name: 'Reconcile' }).getByText('Accounting: record').waitFor();
    await goTo(page, `/syncRuns/${runId}`);
    await page.getByRole('heading', { level: 1, name: 'Reconcile' }).waitFor();
    await main().getByRole('link', { name: 'Accounting: record' }).first().waitFor();
  });

  test('names the records, users and keys of audit entries, and reads those of a type in one call', async () => {
    await Promise.all(
      ['Aas', 'Berg', 'Dahl'].map((displayName) => make('/v1/customers', { kind: 'COMPANY', displayName })),
    );
    const reads: string[] = [];
    page.on('request', (request) => reads.push(decodeURIComponent(new URL(request.url()).pathname)));
    await goTo(page, '/auditEntries');
    for (const name of ['Aas', 'Berg', 'Dahl']) await page.getByRole('row').getByText(name, { exact: true }).waitFor();
    expect(reads.filter((path) => path.startsWith('/v1/customers/'))).toEqual([]);
    await workspace.api('POST', '/v1/apiKeys', { displayName: 'Robot', permissions: ['customers.read'] });
    await goTo(page, '/securityEvents');
    await page.getByRole('row', { name: 'API key created' }).getByText('Robot').waitFor();
  });

  test('names an erasure by its reason, and audit entries in the language of the reader', async () => {
    const id = await make('/v1/customers', { kind: 'PERSON', displayName: 'Ida' });
    await workspace.api('POST', `/v1/customers/${id}:erase`, { reason: 'Case 31' });
    const chinese = await workspace.open('/erasures', undefined, { locale: 'zh-CN' });
    await chinese.getByRole('link', { name: 'Case 31' }).click();
    await chinese.getByRole('heading', { level: 1, name: 'Case 31' }).waitFor();
    await goTo(chinese, '/auditEntries');
    await chinese.getByRole('row', { name: '变更' }).first().waitFor();
    await goTo(chinese, '/securityEvents');
    await chinese.getByRole('row', { name: '登录' }).first().waitFor();
  });
});

test('names of users are not asked for by those who must not read them', async () => {
  const ownerId = (await workspace.person()).id;
  const id = await make('/v1/customers', { kind: 'COMPANY', displayName: 'Solberg', ownerId });
  const role = await make('/v1/roles', { displayName: 'Reader', permissions: ['customers.read'], recordScope: 'ALL' });
  const reader = await workspace.open('/customers', await workspace.person([role]));
  const asked: string[] = [];
  reader.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await reader.goto(new URL(`/customers/${id}`, reader.url()).href);
  await reader.getByRole('heading', { level: 1, name: 'Solberg' }).waitFor();
  await reader
    .getByText(`${ownerId.slice(0, 8)}…${ownerId.slice(-4)}`)
    .first()
    .waitFor();

  await reader.getByText('API key', { exact: true }).first().waitFor();

  expect(asked).toContain(`/v1/customers/${id}`);
  expect(asked.filter((path) => ['/v1/users', '/v1/teams', '/v1/apiKeys'].includes(path))).toEqual([]);
});

test('an address is typed into one line', async () => {
  await goTo(page, '/webhookEndpoints');
  await page.getByRole('button', { name: 'New webhook endpoint' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Create webhook endpoint' });
  const url = dialog.getByRole('textbox', { name: 'URL *' });
  expect(await url.evaluate(({ tagName }) => tagName)).toBe('INPUT');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
});

test('the head of a deal has its amount, and not what the server computes of it', async () => {
  const amount = { currencyCode: 'NOK', amount: '1200' };
  const id = await make('/v1/deals', { title: 'Test bench', customerId, pipelineId, stage: 'new_in', amount });
  await goTo(page, `/deals/${id}`);
  await page.getByRole('heading', { level: 1, name: 'Test bench' }).waitFor();
  const amounts = async () => [...((await headText()) ?? '').matchAll(/NOK\s*([\d,]+)/g)].map(([, sum]) => sum);
  await expect.poll(amounts).toEqual(['1,200']);
});

test('one letter of a name is not said to find nothing', async () => {
  await page.keyboard.press('ControlOrMeta+k');
  await page.keyboard.type('黄');
  await page.getByText('Type one more letter to find records').waitFor();
  await page.keyboard.type('志');
  await page.getByText('Nothing found').waitFor();
  // The first one empties the search.
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('an operation has no summary before its sentences are there', async () => {
  const fresh = await workspace.open('/');
  await fresh.route(/\/assets\/sentences-[^/]*\.json$/, (route) => route.abort());
  await fresh.goto(new URL('/operations/createCustomer', fresh.url()).href);
  await fresh.getByText('/v1/customers', { exact: true }).first().waitFor();
  expect(await fresh.getByText('.', { exact: true }).count()).toBe(0);
});

test('a new record refers to several others, which are found by name', async () => {
  await goTo(page, '/queues/new');
  await page.getByLabel('Key *').fill('south');
  await page.getByLabel('Name *').fill('South');
  await page.getByRole('combobox', { name: 'Teams' }).fill('South');
  await page.getByRole('option', { name: 'Repairs South' }).click();
  await page.getByRole('row', { name: 'Repairs South' }).waitFor();
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'South', level: 1 }).waitFor();
  const { queues } = await workspace.api<{ queues: Json[] }>('GET', '/v1/queues?filter=key%20%3D%20south');
  expect(queues).toMatchObject([{ name: 'South', teamIds: [teamId] }]);
});
