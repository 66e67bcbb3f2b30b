import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultsOf, goTo, Workspace, type Json } from './workspace.ts';

/** Texts that break out of markup, turn around or vanish where they are not shown as text. */
const hostile = [
  `<img src=x onerror="window.broken=1">`,
  `"><script>window.broken=1</script>`,
  `\u202Egnirts desrever\u202C`,
  `zero\u200Bwidth\u2060joined`,
  `{{constructor.constructor('window.broken=1')()}}`,
  `javascript:window.broken=1`,
  `${'Zusammengehörigkeitsgefühl'.repeat(7)}`,
];

let workspace: Workspace;
const ids: string[] = [];

beforeAll(async () => {
  workspace = await Workspace.create();
  for (const text of hostile) {
    const customer = await workspace.api<Json>('POST', '/v1/customers', {
      kind: 'COMPANY',
      displayName: text,
      jobTitle: text.slice(0, 100),
      tags: [text.slice(0, 50)],
      addresses: [{ street: text.slice(0, 100), city: text.slice(0, 100) }],
    });
    ids.push(String(customer['id']));
  }
});

afterAll(() => workspace.close());

test('hostile texts are shown as texts in lists, records, boards and the palette', async () => {
  const page = await workspace.open('/');
  const faults = faultsOf(page);
  for (const path of ['/customers', '/customers/board', ...ids.map((id) => `/customers/${id}`)]) {
    await goTo(page, path);
    await page.getByText('onerror').or(page.locator('#main')).first().waitFor();
    expect(await page.evaluate(() => 'broken' in window), path).toBe(false);
    expect(
      await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
      `${path} scrolls sideways`,
    ).toBe(true);
  }
  await goTo(page, '/customers');
  await page
    .getByText(hostile[0] ?? '', { exact: true })
    .first()
    .waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('zero');
  await page.getByRole('menuitem').first().waitFor();
  expect(faults).toEqual([]);
});
