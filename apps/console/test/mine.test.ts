import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultsOf, goTo, Workspace } from './workspace.ts';

type Person = Awaited<ReturnType<Workspace['person']>>;

let workspace: Workspace;
let mara: Person;
let noor: Person;
/** In English. */
let pageOfMara: Page;
/** In Chinese. */
let pageOfNoor: Page;

/** Each with a record of Mara and one of Noor. */
const lists = ['customers', 'deals', 'tickets', 'tasks'];

beforeAll(async () => {
  workspace = await Workspace.create();
  [mara, noor] = [await workspace.person(), await workspace.person(['admin'], 'Noor Haddad')];
  const stages = [{ key: 'due', name: 'Due', kind: 'OPEN' }];
  const { id: pipelineId } = await workspace.api('POST', '/v1/pipelines', { name: 'Renewals', stages });
  const { id: customerId } = await workspace.api('POST', '/v1/customers', { kind: 'PERSON', displayName: 'Ada' });
  for (const { id: ownerId, name } of [mara, noor]) {
    const title = `Of ${name}`;
    await workspace.api('POST', '/v1/customers', { kind: 'PERSON', displayName: title, ownerId });
    await workspace.api('POST', '/v1/deals', { title, pipelineId, stage: 'due', ownerId });
    await workspace.api('POST', '/v1/tickets', { subject: title, customerId, ownerId });
    await workspace.api('POST', '/v1/tasks', { subject: title, ownerId });
  }
  pageOfMara = await workspace.open('/', mara);
  pageOfNoor = await workspace.open('/', noor, { locale: 'zh-CN' });
});

afterAll(() => workspace.close());

const row = (page: Page, { name }: Person) => page.getByRole('row').filter({ hasText: `Of ${name}` });

test.each(lists)('the view "Mine" of %s has what its reader owns, in English and Chinese', async (list) => {
  for (const [page, reader, other, name] of [
    [pageOfMara, mara, noor, 'Mine'],
    [pageOfNoor, noor, mara, '我的'],
  ] as const) {
    const faults = faultsOf(page);
    await goTo(page, `/${list}`);
    await row(page, other).first().waitFor();

    const tab = page.getByRole('button', { name: new RegExp(`^${name} ?1$`) });
    await tab.click();
    await row(page, other).first().waitFor({ state: 'detached' });
    await row(page, reader).first().waitFor();
    expect(await tab.getAttribute('aria-current')).toBe('page');
    expect(await page.locator('input[data-filter]').inputValue()).toBe('ownerId = me');
    expect(faults).toEqual([]);
  }
});

test('the filter completes the reader as me, a link means its reader, and so does a shared view', async () => {
  const page = pageOfMara;
  await goTo(page, '/deals');
  const input = page.locator('input[data-filter]');
  await input.pressSequentially('ownerId = ');
  await page.getByRole('option', { name: /^me Mara/ }).click();
  await input.press('Escape');
  await input.press('Enter');
  await row(page, noor).first().waitFor({ state: 'detached' });
  await expect.poll(() => new URL(page.url()).searchParams.get('filter')).toBe('ownerId = me');

  const view = { resource: 'deals', name: 'Whose reader', filter: 'ownerId = me', shared: true };
  await workspace.api('POST', '/v1/views', view);
  await pageOfNoor.goto(page.url());
  await row(pageOfNoor, noor).first().waitFor();
  expect(await row(pageOfNoor, mara).count()).toBe(0);
  await pageOfNoor.getByRole('button', { name: /^Whose reader ?1$/ }).waitFor();

  await input.fill('');
  await input.pressSequentially('ownerTeamId = ');
  await page.getByRole('option').first().waitFor();
  expect(await page.getByRole('option', { name: /^me / }).count()).toBe(0);
});
