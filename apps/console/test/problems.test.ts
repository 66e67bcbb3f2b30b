import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goTo, Workspace } from './workspace.ts';

let workspace: Workspace;
let page: Page;

beforeAll(async () => {
  workspace = await Workspace.create();
  page = await workspace.open('/', undefined, { locale: 'zh-CN' });
});

afterAll(() => workspace.close());

/** Has the calls of an operation answered as a server does that refuses them. */
async function refuse(status: number, code: string, path: string): Promise<void> {
  const body = JSON.stringify({ status, code, detail: 'Not now.' });
  const headers = { 'retry-after': '30' };
  await page.route(path, (route) => route.fulfill({ status, headers, contentType: 'application/problem+json', body }));
}

describe('a call that fails', () => {
  test('without a connection says so at once, keeps what was typed, and is not sent later', async () => {
    await goTo(page, '/products/new');
    const name = page.getByRole('textbox').first();
    await name.fill('Spindle');
    await page.context().setOffline(true);
    await page.keyboard.press('ControlOrMeta+Enter');
    await page.getByText('服务器没有响应').waitFor();
    expect(await name.inputValue()).toBe('Spindle');
    await page.context().setOffline(false);
    await goTo(page, '/products');
    await page.getByRole('heading', { name: /还没有/ }).waitFor();
  });

  test('by a limit says in the language of the reader when to try again, and is tried again by a button', async () => {
    await refuse(429, 'RATE_LIMITED', '**/v1/quotas**');
    await goTo(page, '/quotas');
    await page.getByRole('heading', { name: '30 秒后重试' }).waitFor();
    await page.unroute('**/v1/quotas**');
    await page.getByRole('button', { name: '重试' }).click();
    await page.getByRole('heading', { name: '30 秒后重试' }).waitFor({ state: 'detached' });
  });

  test('because the session has ended leaves the screen and what is typed on it', async () => {
    await goTo(page, '/products/new');
    const name = page.getByRole('textbox').first();
    await name.fill('Spindle');
    await refuse(401, 'UNAUTHENTICATED', '**/{v1,console}/**');
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await page.keyboard.press('ControlOrMeta+Enter');
    await page.getByText('登录已过期').waitFor();
    expect(await name.inputValue()).toBe('Spindle');
  });

  test('says in the language of the reader what is wrong with a value', async () => {
    await workspace.api('POST', '/v1/products', { sku: 'SP-1', name: 'Spindle' });
    const own = await workspace.open('/products/new', undefined, { locale: 'zh-CN' });
    await own.getByLabel('名称 *').fill('x'.repeat(3_000));
    await own.getByRole('textbox', { name: 'SKU' }).fill('SP-1');
    await own.keyboard.press('ControlOrMeta+Enter');
    await own.getByText(/^最多 \d+ 个字符。$/).waitFor();
    await own.getByLabel('名称 *').fill('Spindle again');
    await own.keyboard.press('ControlOrMeta+Enter');
    await own.getByText('另一个产品已使用此 SKU。').waitFor();
  });

  test('for one record of many says so at the record, and the keys of the list work from its checkboxes', async () => {
    await workspace.api('POST', '/v1/products', { sku: 'SP-2', name: 'Second spindle' });
    const own = await workspace.open('/products', undefined, { locale: 'zh-CN' });
    await own.getByRole('row', { name: 'Second spindle' }).waitFor();
    await own.getByRole('checkbox', { name: '选择所有行' }).click();
    await own.getByRole('toolbar').waitFor();
    await own.keyboard.press('e');
    await own.getByRole('button', { name: /字段/ }).click();
    await own.getByRole('option', { name: 'SKU', exact: true }).click();
    await own.getByRole('dialog').getByRole('textbox', { name: 'SKU' }).fill('SP-9');
    await own.getByRole('button', { name: '保存' }).click();
    await own.getByText('另一个产品已使用此 SKU。').first().waitFor();
  });

  test('leaves a count of the dashboard unknown, in place of saying that nothing is there', async () => {
    const own = await workspace.open('/my-day');
    await own.route('**/v1/tasks:aggregate**', (route) => route.fulfill({ status: 403, json: { code: 'FORBIDDEN' } }));
    await goTo(own, '/');
    await own.getByRole('link', { name: 'Deals past their close date 0' }).waitFor();
    await own.getByRole('link', { name: 'Your overdue tasks –' }).waitFor();
  });

  test('in one part of a screen says so there, in place of waiting or of saying that there is nothing', async () => {
    const permissions = ['customers.read', 'workspace.read'];
    const role = await workspace.api('POST', '/v1/roles', { displayName: 'Only customers', permissions });
    const person = await workspace.person([String(role['id'])], 'Noor Haddad');
    const own = await workspace.open('/my-day', person);
    const tasks = own.getByRole('region', { name: 'Tasks' });
    await tasks.getByRole('alert').getByText('tasks.read').waitFor();
    expect(await tasks.getByLabel('Add a task').count()).toBe(0);

    await goTo(own, '/inbox');
    await own.getByRole('alert').getByText('tickets.read').waitFor();
    expect(await own.getByText('Nothing waits here').count()).toBe(0);
  });
});

test('what is wrong with a filter, a conflict and a chain is said in the language of the reader', async () => {
  const own = await workspace.open('/', undefined, { locale: 'zh-CN' });
  const answer = (path: string, body: object) =>
    own.route(path, (route) => route.fulfill({ contentType: 'application/json', body: JSON.stringify(body) }));
  await goTo(own, `/customers?filter=${encodeURIComponent('displayName = (')}`);
  await own.getByText('筛选条件在第 15 个字符处有语法错误。').first().waitFor();

  const [id, mappingId, createTime] = [crypto.randomUUID(), crypto.randomUUID(), new Date().toISOString()];
  const conflict = { id, mappingId, createTime, kind: 'LOOP', message: 'Both sides change it again and again.' };
  await answer('**/v1/syncConflicts?**', { syncConflicts: [conflict], counts: [{ kind: 'LOOP', count: 1 }] });
  await goTo(own, '/conflicts');
  await own.getByText('两侧反复修改对方的值。').waitFor();

  const fault = { number: 3, reason: 'NOT_LINKED' };
  await answer('**/v1/auditEntries:verify', { end: { number: 2, hash: '' }, isComplete: false, fault });
  await goTo(own, '/audit/verify');
  await own.getByRole('button', { name: '校验' }).first().click();
  await own.getByText('它不包含前一条记录的哈希值。').waitFor();
});
