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

function isVisible(link: Element): boolean {
  const [own, around] = [link, link.closest('div')].map((each) => each?.getBoundingClientRect());
  return own !== undefined && around !== undefined && own.bottom <= around.bottom && own.top >= around.top;
}

test('a phone has the notifications, and the menu with which the user signs out', async () => {
  const phone = await workspace.open('/', undefined, { locale: 'en', viewport: { width: 390, height: 844 } });
  await phone.getByRole('button', { name: /^Notifications/ }).waitFor();
  await phone.getByRole('button', { name: 'Preferences and sign-out' }).click();
  await phone.getByRole('menuitem', { name: 'Sign out' }).waitFor();
});
