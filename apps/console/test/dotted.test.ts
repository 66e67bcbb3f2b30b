import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultsOf, goTo, Workspace } from './workspace.ts';

let workspace: Workspace;
let page: Page;
let faults: string[];

beforeAll(async () => {
  workspace = await Workspace.create();
  const object = { key: 'machine', displayName: 'Machine', displayNamePlural: 'Machines' };
  await workspace.api('POST', '/v1/customObjects', object);
  page = await workspace.open('/');
  faults = faultsOf(page);
});

afterAll(() => workspace.close());

test('the permissions of a role are boxes of what can be done with each thing, own objects among them', async () => {
  await goTo(page, '/roles');
  await page.getByRole('button', { name: 'New role' }).click();
  await page.getByRole('textbox', { name: 'Name *' }).fill('Workshop');
  await choose('Customers', 'Read');
  await choose('Customers', 'Write');
  await page.getByLabel('Find by name').fill('machin');
  expect(await page.getByRole('group').getByText('Write').count()).toBe(1);
  await choose('Machines', 'Write');
  await page.getByLabel('Find by name').fill('');
  await choose('Customers', 'Write');
  await page.getByRole('status').getByText('2 chosen').waitFor();
  await page.getByRole('button', { name: 'Create' }).click();

  await expect
    .poll(() => roleOf('Workshop'))
    .toMatchObject({ permissions: ['customers.read', 'objects.machine.write'] });
  await page.getByText('Workshop').first().click();
  await page.getByText('Machines', { exact: true }).waitFor();
  expect(faults).toEqual([]);
});

test('the events of a webhook are boxes of what happens to each type, and all of a type include each', async () => {
  await goTo(page, '/webhookEndpoints');
  await page.getByRole('button', { name: 'New webhook endpoint' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: /^URL/ }).fill('https://hooks.example/rapport');
  await choose('Deals', 'Created');
  await choose('Deals', 'All');
  expect(await box('Deals', 'Created').isChecked()).toBe(true);
  expect(await box('Deals', 'Created').isDisabled()).toBe(true);
  await choose('Price books', 'Changed');
  await choose('Webhook endpoints', 'Disabled');
  await dialog.getByRole('button', { name: 'Create' }).click();

  const types = ['deal.*', 'price_book.updated', 'webhook_endpoint.disabled'];
  await expect
    .poll(() => workspace.api('GET', '/v1/webhookEndpoints'))
    .toMatchObject({
      webhookEndpoints: [{ eventTypes: types }],
    });
  expect(faults).toEqual([]);
});

async function roleOf(name: string): Promise<object | undefined> {
  const { roles } = await workspace.api<{ roles: { displayName: string }[] }>('GET', '/v1/roles');
  return roles.find(({ displayName }) => displayName === name);
}

function box(row: string, verb: string) {
  return page.getByRole('group', { name: row, exact: true }).getByRole('checkbox', { name: verb, exact: true });
}

/** The box itself is not seen: its label is pressed. */
async function choose(row: string, verb: string): Promise<void> {
  await page.getByRole('group', { name: row, exact: true }).getByText(verb, { exact: true }).click();
}
