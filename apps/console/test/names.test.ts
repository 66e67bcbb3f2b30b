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
