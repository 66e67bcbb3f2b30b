import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultsOf, Workspace, type Json } from './workspace.ts';

let workspace: Workspace;

beforeAll(async () => {
  workspace = await Workspace.create();
});

afterAll(() => workspace.close());

test('the bell counts live, and its panel is used by keys and by mouse', async () => {
  const person = await workspace.person();
  const page = await workspace.open('/', person);
  const faults = faultsOf(page);
  await page.getByRole('button', { name: 'Notifications, 0 unread' }).waitFor();
  const assign = (subject: string) => workspace.api('POST', '/v1/tasks', { subject, ownerId: person.id });
  const { id } = await assign('Call Nordlys');
  await page.getByRole('button', { name: 'Notifications, 1 unread' }).waitFor();
  await assign('Send the offer');
  const mention = `@[Mara](users/${person.id}) please check`;
  await workspace.api('POST', '/v1/notes', { body: mention });
  await page.getByRole('button', { name: 'Notifications, 3 unread' }).waitFor();

  // By keys: open, go down, mark, open the record.
  await page.keyboard.press('b');
  await page.getByRole('row', { name: 'Unread: Call Nordlys, Assigned to you', exact: true }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('e');
  await page.getByText('Unread: ', { exact: false }).nth(1).waitFor();
  const unread = async () => (await page.locator('[role=row]', { hasText: 'Unread: ' }).allInnerTexts()).length;
  await expect.poll(unread).toBe(2);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/tasks/${String(id)}`);
  await page.getByRole('button', { name: 'Notifications, 1 unread' }).waitFor();

  // By mouse: the rest at once, then the preferences.
  await page.getByRole('button', { name: /^Notifications/ }).click();
  await page.getByRole('button', { name: 'Mark all as read' }).click();
  await page
    .getByRole('button', { name: 'Notifications, 0 unread', includeHidden: true })
    .waitFor({ state: 'attached' });
  await page.getByRole('link', { name: 'Notification preferences' }).click();
  await page.getByRole('heading', { name: 'Notification preferences' }).waitFor();
  await page.getByText('Assigned to you').click();
  await expect.poll(() => page.getByRole('checkbox', { name: 'Assigned to you' }).isChecked()).toBe(false);
  await assign('Unannounced');
  await workspace.api<Json>('POST', '/v1/notes', { body: mention });
  await page.getByRole('button', { name: 'Notifications, 1 unread' }).waitFor();

  await page.getByText('Daily digest by e-mail').click();
  await page.getByRole('button', { name: '08:00' }).click();
  await page.getByRole('option', { name: '18:00' }).click();
  await page.getByRole('button', { name: '18:00' }).waitFor();
  await page.getByText('Daily digest by e-mail').click();
  await expect.poll(() => page.getByRole('checkbox', { name: 'Daily digest by e-mail' }).isChecked()).toBe(false);
  expect(faults).toEqual([]);
});

test('the panel speaks Chinese', async () => {
  const page = await workspace.open('/', undefined, { locale: 'zh-CN', colorScheme: 'dark' });
  await page.getByRole('button', { name: '通知，0 条未读' }).click();
  await page.getByText('暂无通知', { exact: false }).waitFor();
});
