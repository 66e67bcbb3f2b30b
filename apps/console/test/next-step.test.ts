import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goTo, Workspace } from './workspace.ts';

let workspace: Workspace;
let page: Page;

beforeAll(async () => {
  workspace = await Workspace.create();
  page = await workspace.open('/');
});

afterAll(() => workspace.close());

test('the page of a lead offers what its status asks for as a button', async () => {
  const { id: customerId } = await workspace.api('POST', '/v1/customers', { kind: 'PERSON', displayName: 'Grace' });
  const path = `/leads/${String((await workspace.api('POST', '/v1/leads', { customerId }))['id'])}`;
  await goTo(page, path);
  await page.getByRole('button', { name: 'Qualify lead' }).waitFor();
  await workspace.api('POST', `/v1${path}:disqualify`, { reason: 'no budget' });
  await page.getByRole('button', { name: 'Reopen lead' }).click();
  await page.getByRole('dialog', { name: 'Reopen lead' }).getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Qualify lead' }).waitFor();
  expect(await workspace.api('GET', `/v1${path}`)).toMatchObject({ status: 'WORKING' });
  const stages = [{ key: 'open', name: 'Open', kind: 'OPEN', probability: 50 }];
  const { id: pipelineId } = await workspace.api('POST', '/v1/pipelines', { name: 'Fair', stages });
  await workspace.api('POST', `/v1${path}:qualify`, { deal: { title: 'Theta', pipelineId } });
  await page.getByRole('button', { name: 'Qualify lead' }).waitFor({ state: 'detached' });
});

test('a step that needs a permission is not offered without it', async () => {
  const { id } = await workspace.api('POST', '/v1/tasks', { subject: 'Call Ada' });
  await goTo(page, `/tasks/${String(id)}`);
  await page.getByRole('button', { name: 'Complete task' }).waitFor();
  const reader = await workspace.open(`/tasks/${String(id)}`, await workspace.person(['read-only']));
  await reader.getByRole('heading', { name: 'Call Ada' }).waitFor();
  expect(await reader.getByRole('button', { name: 'Complete task' }).count()).toBe(0);
});
