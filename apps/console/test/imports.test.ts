import { readFile } from 'node:fs/promises';
import { queryDatabase } from '@rapport/testing';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Workspace } from './workspace.ts';

const rows = 300;

let workspace: Workspace;
let page: Page;

beforeAll(async () => {
  workspace = await Workspace.create();
  page = await workspace.open('/imports/new');
});

afterAll(() => workspace.close());

/** Rows of people; every hundredth has an address that is none and fails, and one column has a name that nobody knows. */
function csv(): string {
  const lines = Array.from({ length: rows }, (_, index) => {
    const email = index % 100 === 99 ? 'not an address' : `person.${index}@example.com`;
    return `Person,Number ${index},${email},Title ${index},vip`;
  });
  return ['First name,Last name,Mail,Xyzzy,Tag', ...lines].join('\n');
}

async function storedCustomers(): Promise<number> {
  const [row] = await queryDatabase(
    workspace.platform.customersDatabase.superuserUrl,
    `select count(*)::int as count from customer where tenant_id = '${workspace.tenantId}' and delete_time is null`,
  );
  return Number((row as { count: number }).count);
}

test('a dry run shows what would happen, the import does it, and the undo takes it back', async () => {
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(csv()) });
  await page.getByRole('button', { name: 'See what would happen' }).click();
  await page.getByText('Xyzzy').waitFor();
  expect(await storedCustomers()).toBe(0);

  await page.getByRole('button', { name: 'Field of column Xyzzy' }).click();
  await page.getByRole('option', { name: 'Job title' }).click();
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByRole('heading', { name: 'Imports' }).waitFor();
  const operation = page.locator('section[aria-label]').filter({ hasText: 'rows' });
  await operation.getByText('Succeeded').waitFor();
  const good = rows - rows / 100;
  await operation.getByText(`${good} created, ${rows - good} failed`).waitFor();
  expect(await storedCustomers()).toBe(good);
  const colours = await operation
    .locator('svg line')
    .evaluateAll((ticks) => ticks.map((tick) => getComputedStyle(tick).stroke));
  expect(new Set(colours.slice(0, -1)).size).toBe(1);
  expect(colours.at(-1)).not.toBe(colours[0]);
  await operation.getByRole('button', { name: /^Issues/ }).click();
  await operation
    .getByText(/^Line \d+ Error E-mail: /)
    .first()
    .waitFor();
  const download = page.waitForEvent('download');
  await operation.getByRole('button', { name: 'Download all as CSV' }).click();
  const saved = await readFile(await (await download).path(), 'utf8');
  expect(saved.split('\n').filter((line) => line.startsWith('ERROR,'))).toHaveLength(rows - good);
  const first = await workspace.api<{ customers: { jobTitle: string }[] }>(
    'GET',
    '/v1/customers?filter=emails:person.7@example.com',
  );
  expect(first.customers[0]?.jobTitle).toBe('Title 7');

  await expect.poll(() => page.getByText('Import customers').count()).toBe(2);
  await page.getByText(/^Dry run, Succeeded/).waitFor();

  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(storedCustomers).toBe(0);
  await operation.getByText('Undone').first().waitFor();
});

test('the columns of an import have the names of their fields in Chinese', async () => {
  const chinese = await workspace.open('/imports', undefined, { locale: 'zh-CN' });
  const line = chinese.getByRole('listitem').filter({ has: chinese.getByText('Tag', { exact: true }) });
  await line.getByText('标签').waitFor();
});

test('the country of phone numbers is found by its name, and the language of dates may have any region', async () => {
  const form = await workspace.open('/imports/new');
  await form.getByRole('combobox', { name: 'Country of local phone numbers' }).fill('zeal');
  await form.getByRole('option', { name: 'New Zealand' }).click();
  const language = form.getByRole('combobox', { name: 'Language of dates' });
  await language.fill('en-NZ');
  await form.keyboard.press('Tab');
  expect(await language.inputValue()).toContain('en-NZ');
});
