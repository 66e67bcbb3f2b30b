import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultsOf, goTo, Workspace, type Json } from './workspace.ts';

let workspace: Workspace;
let page: Page;
let pipelineId: string;

beforeAll(async () => {
  workspace = await Workspace.create();
  const pipeline = await workspace.api('POST', '/v1/pipelines', {
    name: 'Equipment',
    stages: [
      { key: 'new_in', name: 'Just arrived', kind: 'OPEN', probability: 10 },
      { key: 'won', name: 'Won', kind: 'WON' },
    ],
  });
  pipelineId = String(pipeline['id']);
  page = await workspace.open('/');
});

afterAll(() => workspace.close());

test('a new record of a board is of its pipeline, and its stage is chosen by name', async () => {
  await goTo(page, `/deals/board?pipeline=${pipelineId}`);
  await page.getByRole('button', { name: 'New deal' }).waitFor();
  await page.keyboard.press('c');
  await page.getByLabel('Name *').fill('Wind mast');
  await page.getByLabel('Stage *').click();
  await page.getByRole('option', { name: 'Just arrived' }).click();
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'Wind mast', level: 1 }).waitFor();
  const filter = encodeURIComponent(`pipelineId = "${pipelineId}" AND stage = new_in`);
  const { deals } = await workspace.api<{ deals: Json[] }>('GET', `/v1/deals?filter=${filter}`);
  expect(deals.map(({ title }) => title)).toContain('Wind mast');
});

test('a new record is checked once something is written, and not before', async () => {
  const checked: unknown[] = [];
  page.on('request', (request) => {
    if (request.url().includes('validateOnly')) checked.push(request.postDataJSON());
  });
  await goTo(page, '/products/new');
  const name = page.getByLabel('Name *');
  await name.focus();

  await page.keyboard.press('Tab');
  await name.fill('Wind mast');
  await page.keyboard.press('Tab');

  await expect.poll(() => checked.length).toBeGreaterThan(0);
  expect(checked[0]).toEqual({ name: 'Wind mast' });
});

test('the key of a new record follows its name until it is typed', async () => {
  await goTo(page, '/articles/new');
  const [title, slug] = [page.getByLabel('Name *'), page.getByLabel('Slug *')];
  await expect.poll(() => title.evaluate((element) => element === document.activeElement)).toBe(true);
  await title.fill('Replace the sensor’s battery');
  expect(await slug.inputValue()).toBe('replace-the-sensor-s-battery');
  await slug.fill('battery');
  await title.fill('Replace a battery');
  expect(await slug.inputValue()).toBe('battery');

  await goTo(page, '/queues/new');
  await page.getByLabel('Name *').fill('二线支持');
  expect(await page.getByLabel('Key *').inputValue()).toMatch(/^queue_[a-z0-9]+$/);
});

test('a new record begins in the first pipeline, and has no stage to choose without one', async () => {
  await goTo(page, '/deals');
  await goTo(page, '/deals/new');
  await page.getByLabel('Name *').fill('Store climate');
  await page.getByLabel('Stage *').click();
  await page.getByRole('option', { name: 'Just arrived' }).click();
  const pipeline = page.getByRole('combobox', { name: 'Pipeline *' });
  await pipeline.fill('');
  await page.getByLabel('Name *').click();
  await expect.poll(() => page.getByLabel('Stage *').isDisabled()).toBe(true);
});

test('the list of the first field opens once it is asked for, and help has the words of the choices', async () => {
  const lead = await workspace.open('/leads/new');
  const customer = lead.getByRole('combobox', { name: 'Customer *' });
  await expect.poll(() => customer.evaluate((element) => element === document.activeElement)).toBe(true);
  await lead.getByText('Reason for the status Unqualified, such as "no budget"').waitFor();
  expect(await lead.getByRole('listbox').count()).toBe(0);
  await lead.getByLabel('Message').focus();
  await customer.focus();
  await lead.getByRole('listbox').waitFor();
});

test('a customer that is chosen by a part of its name stays when the list has others', async () => {
  for (const displayName of ['Zorvex GmbH', ...Array.from({ length: 9 }, (_, index) => `Later ${index}`)])
    await workspace.api('POST', '/v1/customers', { kind: 'COMPANY', displayName });
  await goTo(page, '/deals');
  await goTo(page, '/deals/new');
  const customer = page.getByRole('combobox', { name: 'Customer' });
  await customer.fill('Zorv');
  await page.getByRole('option', { name: 'Zorvex' }).click();
  for (let visits = 0; visits < 2; visits += 1) {
    await page.getByLabel('Name *').focus();
    await expect.poll(() => customer.inputValue()).toBe('Zorvex GmbH');
    await customer.focus();
    await page.getByRole('option', { name: 'Later' }).first().waitFor();
  }
});

test('a country is found by a part of its name', async () => {
  await goTo(page, '/customers/new');
  await page.getByRole('button', { name: /^Select an item Kind/ }).click();
  await page.getByRole('option', { name: 'Company' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Kea Ltd');
  const addresses = page.getByRole('group', { name: 'Address', exact: true });
  await addresses.getByRole('button', { name: 'Add' }).click();
  const country = addresses.getByRole('combobox', { name: 'Country' });
  // A list closes when what is around it scrolls.
  await country.scrollIntoViewIfNeeded();
  await country.fill('zeal');
  await page.getByRole('option', { name: 'New Zealand' }).click();
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'Kea Ltd', level: 1 }).waitFor();
  const { customers } = await workspace.api<{ customers: Json[] }>('GET', '/v1/customers?q=Kea');
  expect(customers).toMatchObject([{ addresses: [{ countryCode: 'NZ' }] }]);
});

test('a currency is found by its code or its name, and those of the workspace come first', async () => {
  await workspace.api('PATCH', '/v1/settings', { baseCurrency: 'SEK' });
  await workspace.api('POST', '/v1/priceBooks', { key: 'alps', name: 'Alps', currencyCode: 'CHF' });
  await goTo(page, '/deals');
  await page.reload();
  await goTo(page, '/deals/new');
  await page.getByLabel('Name *').fill('Snow gauge');
  const currency = page.getByRole('combobox', { name: 'Currency', exact: true });
  await currency.focus();
  const first = async () => (await page.getByRole('option').allTextContents()).slice(0, 3);
  await expect.poll(first).toEqual(['SEK, Swedish Krona', 'CHF, Swiss Franc', 'AED, United Arab Emirates Dirham']);
  await currency.fill('yen');
  await page.getByRole('option', { name: 'JPY, Japanese Yen' }).click();
  await page.getByRole('textbox', { name: 'Amount' }).fill('12');
  await currency.fill('nok');
  await page.keyboard.press('Tab');
  await expect.poll(() => currency.inputValue()).toBe('NOK, Norwegian Krone');

  await page.getByLabel('Stage *').click();
  await page.getByRole('option', { name: 'Just arrived' }).click();
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'Snow gauge', level: 1 }).waitFor();
  const { deals } = await workspace.api<{ deals: Json[] }>('GET', '/v1/deals?q=Snow');
  expect(deals[0]?.['amount']).toEqual({ currencyCode: 'NOK', amount: '12' });
});

test('the permissions of a role are boxes of what can be done with each thing, own objects among them', async () => {
  const faults = faultsOf(page);
  const object = { key: 'machine', displayName: 'Machine', displayNamePlural: 'Machines' };
  await workspace.api('POST', '/v1/customObjects', object);
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
  const faults = faultsOf(page);
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
