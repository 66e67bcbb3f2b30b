import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultsOf, Workspace, type Json } from './workspace.ts';

let workspace: Workspace;

beforeAll(async () => {
  workspace = await Workspace.create();
});

afterAll(() => workspace.close());

/** Two customers that are probably one. */
async function twins(customer: Json): Promise<void> {
  for (const jobTitle of ['Analyst', 'Countess'])
    await workspace.api('POST', '/v1/customers', { kind: 'PERSON', ...customer, jobTitle });
}

test('a pair is merged by a key, and the next one stays open when the merge is undone', async () => {
  const phones = [{ number: '+493012345678' }];
  await twins({ givenName: 'Ada', familyName: 'Lovelace', birthDate: '1815-12-10', phones });
  await twins({ givenName: 'Grace', familyName: 'Hopperschmidt', birthDate: '1906-12-09' });
  const page = await workspace.open('/duplicates');
  const faults = faultsOf(page);
  const list = page.getByRole('grid', { name: 'Duplicates' });
  const open = (name: string) =>
    page.getByRole('group', { name: 'Duplicates' }).getByRole('strong').getByText(name).first();
  await open('Ada Lovelace').waitFor();
  expect(await list.getByRole('row').count()).toBe(2);

  await page.keyboard.press('m');
  await open('Grace Hopperschmidt').waitFor();
  await expect.poll(() => list.getByRole('row').count()).toBe(1);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(() => list.getByRole('row').count()).toBe(2);
  await list.getByRole('row', { name: 'Ada Lovelace' }).waitFor();
  expect(await open('Grace Hopperschmidt').count()).toBe(1);
  expect(await open('Ada Lovelace').count()).toBe(0);
  expect(faults).toEqual([]);
});

test('addresses of a pair name their countries', async () => {
  const addresses = [{ street: 'Lindenstr. 12', city: 'Berlin', countryCode: 'DE' }];
  await twins({ givenName: 'Emmy', familyName: 'Noetherlich', birthDate: '1882-03-23', addresses });
  const page = await workspace.open('/duplicates');
  await page.getByRole('row', { name: 'Emmy Noetherlich' }).click();
  await page.getByRole('group', { name: 'Duplicates' }).getByText('Berlin, Germany').first().waitFor();
});

test('a company has the square face of a company in the list', async () => {
  await twins({ givenName: 'Sofja', familyName: 'Kowalewskaja', birthDate: '1850-01-15' });
  const company = { kind: 'COMPANY', displayName: 'Zephyrwerk', phones: [{ number: '+493098765432' }] };
  for (const tag of ['north', 'south']) await workspace.api('POST', '/v1/customers', { ...company, tags: [tag] });
  const page = await workspace.open('/duplicates');
  const corner = (name: string) =>
    page
      .getByRole('row', { name })
      .locator('[aria-hidden]')
      .first()
      .evaluate((face) => getComputedStyle(face).borderTopLeftRadius);
  expect(await corner('Sofja Kowalewskaja')).toBe('50%');
  await expect.poll(() => corner('Zephyrwerk')).not.toBe('50%');
});
