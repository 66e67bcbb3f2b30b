import { afterAll, beforeAll, expect, test } from 'vitest';
import { goTo, Workspace } from './workspace.ts';

let workspace: Workspace;

beforeAll(async () => {
  workspace = await Workspace.create();
});

afterAll(() => workspace.close());

test('English has the days of the region that the browser asks for', async () => {
  const british = await workspace.open('/', undefined, { locale: 'en-GB' });
  await goTo(british, '/forecast?period=2026-Q1');
  await british.getByText('1 Jan 2026').first().waitFor();
});

test('the page of all resources has no English comments of the contract in Chinese', async () => {
  const chinese = await workspace.open('/', undefined, { locale: 'zh-CN' });
  const sentences = chinese.waitForResponse(/sentences/);
  await goTo(chinese, '/all');
  await sentences;
  await chinese.getByText('/v1/customers', { exact: true }).waitFor();
  expect(await chinese.locator('#main').innerText()).not.toMatch(/Lists /);
});
