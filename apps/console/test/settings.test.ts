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
  await page.getByRole('combobox', { name: 'Time zone' }).fill('Central European');
  await page.getByRole('option', { name: 'Europe/Berlin, Central European Time' }).waitFor();
  await type('Time zone', 'europe/berlin');
  expect(await page.getByRole('combobox', { name: 'Time zone' }).inputValue()).toBe(
    'Europe/Berlin, Central European Time',
  );
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
  const language = page.getByRole('combobox', { name: 'Language' });
  await type('Language', 'xx-ZZ');
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => language.getAttribute('aria-invalid')).toBe('true');
  await type('Language', 'en-NZ');
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => workspace.api('GET', '/v1/settings')).toMatchObject({ locale: 'en-NZ' });
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
  await type('Language', 'de-DE');
  await workspace.api('PATCH', '/v1/settings', { locale: 'fr-FR' });
  await page.getByRole('button', { name: 'Save' }).click();

  await page.getByRole('alert').first().waitFor();
  expect(await workspace.api('GET', '/v1/settings')).toMatchObject({ locale: 'fr-FR' });
});

test('a reader of the workspace sees the settings, and cannot change them', async () => {
  const reader = await workspace.open('/settings', await workspace.person(['read-only']));

  await reader.getByText('A change needs the permission to configure').waitFor();
  expect(await reader.getByRole('combobox', { name: 'Time zone' }).isDisabled()).toBe(true);
  expect(await reader.getByRole('button', { name: 'Save' }).count()).toBe(0);
});

/** Types a code in full, and leaves the input. The list that opens with the next one hides all else. */
async function type(name: string, code: string): Promise<void> {
  await page.getByRole('combobox', { name }).fill(code);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Escape');
}
