import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Workspace, type Json } from './workspace.ts';

let workspace: Workspace;
let page: Page;

beforeAll(async () => {
  workspace = await Workspace.create();
  const person = { kind: 'PERSON', lifecycleStage: 'LEAD', familyName: 'Weiß', phones: [{ number: '+493023125110' }] };
  await workspace.api('POST', '/v1/customers', {
    ...person,
    givenName: 'Käthe',
    emails: [{ address: 'k@example.com' }],
  });
  await workspace.api('POST', '/v1/customers', { ...person, givenName: 'Kaethe', familyName: 'Weiss' });
  await workspace.api('POST', '/v1/customers', { kind: 'COMPANY', displayName: 'Nordlys Energi A/S' });
  page = await workspace.open('/');
});

afterAll(() => workspace.close());

/** Presses Tab until the focus is on an element of this name. */
async function tabTo(name: RegExp): Promise<void> {
  for (let presses = 0; presses < 80; presses += 1) {
    const found = await page.evaluate(() => {
      const { activeElement: element } = document;
      const label =
        element instanceof HTMLInputElement
          ? [...(element.labels ?? [])].map(({ textContent }) => textContent).join(' ')
          : '';
      return `${element?.getAttribute('aria-label') ?? ''} ${label} ${element?.textContent ?? ''}`;
    });
    if (name.test(found)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`The focus does not reach ${name}.`);
}

async function expectFocus(where: string): Promise<void> {
  await expect.poll(() => page.evaluate(() => document.activeElement?.tagName), { message: where }).not.toBe('BODY');
}

test('people find, filter, open, edit, merge and take back by keys alone', async () => {
  await page.keyboard.press('Control+k');
  await page.keyboard.type('customers');
  await page.locator('[role=menuitem][data-focused]', { hasText: /^Customers/ }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Customers' }).waitFor();
  await expectFocus('after the palette');

  await page.locator('input[data-filter]').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('lifecycleStage = LEA');
  await page.getByRole('option', { selected: true }).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('Nordlys Energi A/S').waitFor({ state: 'detached' });
  expect(new URL(page.url()).searchParams.get('filter')).toContain('lifecycleStage = LEAD');
  await page.keyboard.press('Escape');

  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/customers\/[\da-f-]{36}/);
  const [, id = ''] = /customers\/([\da-f-]{36})/.exec(page.url()) ?? [];
  await page.getByText('of 2', { exact: false }).first().waitFor();
  await expectFocus('after a record is opened');
  await page.keyboard.press('e');
  await tabTo(/Job title/);
  await page.keyboard.type('Head of purchasing');
  await tabTo(/^\s*Save/);
  await page.keyboard.press('Enter');
  const stored = () => workspace.api<Json>('GET', `/v1/customers/${id}`);
  await expect.poll(async () => (await stored())['jobTitle']).toBe('Head of purchasing');
  await expectFocus('after saving');

  await page.keyboard.press('g');
  await page.keyboard.press('u');
  await page.getByRole('heading', { name: 'Duplicates' }).waitFor();
  await page.getByRole('button', { name: /^Merge/ }).waitFor();
  await page.keyboard.press('m');
  await page.getByText('Merged into').waitFor();
  const count = async () =>
    (await workspace.api<{ customers: Json[] }>('GET', '/v1/customers?filter=kind:PERSON')).customers.length;
  await expect.poll(count).toBe(1);
  await tabTo(/^\s*Undo\s*$/);
  await page.keyboard.press('Enter');
  await expect.poll(count).toBe(2);
});

test('the help lists the keys of the screen, and gives the focus back', async () => {
  await page.goto(`${workspace.platform.edgeUrl}/customers`);
  await page.getByRole('heading', { name: 'Customers' }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await page.getByRole('dialog').getByText('Filter', { exact: false }).first().waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await expectFocus('after the help');
});

test('a second tab of the browser is live by the stream of the first one', async () => {
  const second = await page.context().newPage();
  let streams = 0;
  second.on('request', (request) => {
    if (request.url().includes('/v1/changes')) streams += 1;
  });
  await second.goto(`${workspace.platform.edgeUrl}/customers`);
  await second.getByText('Live', { exact: true }).waitFor();
  await workspace.api('POST', '/v1/customers', { kind: 'COMPANY', displayName: 'Made elsewhere' });
  await second.getByText('Made elsewhere').first().waitFor();
  expect(streams).toBe(0);
  await second.close();
});
