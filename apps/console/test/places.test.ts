import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goTo, Workspace } from './workspace.ts';

let workspace: Workspace;
let page: Page;

beforeAll(async () => {
  workspace = await Workspace.create();
  page = await workspace.open('/notifications/preferences');
});

afterAll(() => workspace.close());

test('each place of the rail shows its screen, and is visible', async () => {
  const rail = page.getByRole('navigation', { name: 'Places' }).first();
  const paths = await rail
    .getByRole('link')
    .evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? ''));
  expect(paths.length).toBeGreaterThan(15);
  for (const path of paths) {
    await goTo(page, path);
    await expect.poll(() => page.locator('[aria-busy]').count()).toBe(0);
    const refusals = page.locator('#main').getByText(/^\d{3}, [A-Z_]+$/);
    expect(await refusals.count(), path).toBe(0);
    await expect.poll(() => rail.locator('a.active').evaluate(isVisible), { message: path }).toBe(true);
  }
});

test('the place of the next screen is visible wherever the rail was scrolled to', async () => {
  await goTo(page, '/customers');
  const rail = page.getByRole('navigation', { name: 'Places' }).first();
  const places = rail.locator('div', { has: page.getByRole('heading', { name: 'Records' }) });
  const scrolled = () => places.evaluate(({ scrollTop }) => scrollTop > 0);
  for (const isDown of [true, false]) {
    await places.evaluate((element, top) => element.scrollTo({ top }), isDown ? 1_000 : 0);
    await expect.poll(scrolled).toBe(isDown);
  }

  await goTo(page, '/all');
  await expect.poll(() => page.locator('[aria-busy]').count()).toBe(0);

  await expect.poll(() => rail.locator('a.active').evaluate(isVisible)).toBe(true);
});

function isVisible(link: Element): boolean {
  const [own, around] = [link, link.closest('div')].map((each) => each?.getBoundingClientRect());
  return own !== undefined && around !== undefined && own.bottom <= around.bottom && own.top >= around.top;
}

test('a phone has the notifications, and the menu with which the user signs out', async () => {
  const phone = await workspace.open('/', undefined, { viewport: { width: 390, height: 844 } });
  await phone.getByRole('button', { name: /^Notifications/ }).waitFor();
  await phone.getByRole('button', { name: 'Preferences and sign-out' }).click();
  await phone.getByRole('menuitem', { name: 'Sign out' }).waitFor();
});

test('the list of a board and a record of it belong to the place of the board', async () => {
  const { id } = await workspace.api('POST', '/v1/customers', { kind: 'COMPANY', displayName: 'Nordlys Energi' });
  for (const path of ['/deals', '/deals/new', '/customers/board', `/customers/${String(id)}`]) {
    await goTo(page, path);
    const place = path.startsWith('/deals') ? 'Deals' : 'Customers';
    await expect.poll(() => page.locator('nav a.active:visible').allInnerTexts(), { message: path }).toEqual([place]);
  }
});

test('the current tab of a place is visible on a phone', async () => {
  const phone = await workspace.open('/', undefined, { viewport: { width: 390, height: 844 } });
  await goTo(phone, '/deliveryLimits');
  const tab = phone.getByRole('link', { name: 'Delivery limits' });
  await expect.poll(async () => (await tab.boundingBox())?.x).toBeLessThan(390 - 100);
});

test('the search names the type of what it finds in the language of the reader, on the first screen too', async () => {
  await workspace.api('POST', '/v1/customers', { kind: 'COMPANY', displayName: 'Hygrometrie Weiß' });
  const found = () => workspace.api<{ results: unknown[] }>('GET', '/v1/search?q=hygro');
  await expect.poll(async () => (await found()).results.length).toBe(1);
  const chinese = await workspace.open('/', undefined, { locale: 'zh-CN' });
  await chinese.getByRole('button', { name: '搜索或执行' }).click();
  await chinese.getByRole('searchbox').fill('hygro');
  await chinese.getByRole('menuitem', { name: 'Hygrometrie Weiß' }).getByText('客户').waitFor();
});
