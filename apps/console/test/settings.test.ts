import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultsOf, goTo, Workspace } from './workspace.ts';

let workspace: Workspace;
let page: Page;
let faults: string[];

beforeAll(async () => {
  workspace = await Workspace.create();
  page = await workspace.open('/', await workspace.person());
  faults = faultsOf(page);
});

afterAll(() => workspace.close());

test('the settings of the workspace are changed by keyboard, and a refused value says what is wrong with it', async () => {
  await goTo(page, '/settings');
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  await page.getByLabel('Time zone').fill('Europe/Berlin');
  await page.getByRole('button', { name: 'Fiscal year start month' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('option', { name: 'April' }).press('Enter');
  await page.keyboard.press('Control+Enter');

  await page.getByText('Settings saved').waitFor();
  expect(await workspace.api('GET', '/v1/settings')).toMatchObject({
    timeZone: 'Europe/Berlin',
    fiscalYearStartMonth: 4,
    weekStart: 'MONDAY',
  });
  await page.getByLabel('Time zone').fill('Europe/Atlantis');
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => page.getByLabel('Time zone').getAttribute('aria-invalid')).toBe('true');
  await page.getByLabel('Time zone').fill('Europe/Berlin');
  expect(faults).toEqual([expect.stringContaining('400')]);
});

test('a workspace gets another name, which the rail shows at once and after a reload', async () => {
  await page.getByLabel('Name', { exact: true }).fill('Kestrel & Söhne');
  await page.getByRole('button', { name: 'Save' }).click();
  const name = page.getByRole('navigation').getByText('Kestrel & Söhne');
  await name.waitFor();

  expect(await workspace.api('GET', '/v1/tenant')).toMatchObject({ displayName: 'Kestrel & Söhne' });
  await page.reload();
  await name.waitFor();
});

test('what another person has saved meanwhile is not overwritten', async () => {
  await page.reload();
  await page.getByLabel('Language').fill('de-DE');
  await workspace.api('PATCH', '/v1/settings', { locale: 'fr-FR' });
  await page.getByRole('button', { name: 'Save' }).click();

  await page.getByRole('alert').first().waitFor();
  expect(await workspace.api('GET', '/v1/settings')).toMatchObject({ locale: 'fr-FR' });
});

test('a reader of the workspace sees the settings, and cannot change them', async () => {
  const reader = await workspace.open('/settings', await workspace.person(['read-only']));

  await reader.getByText('A change needs the permission to configure').waitFor();
  expect(await reader.getByLabel('Time zone').isDisabled()).toBe(true);
  expect(await reader.getByRole('button', { name: 'Save' }).count()).toBe(0);
});
