import type { Page, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Workspace } from './workspace.ts';

let workspace: Workspace;
let page: Page;

beforeAll(async () => {
  workspace = await Workspace.create();
  page = await workspace.open('/customers');
});

afterEach(() => page.unrouteAll());

afterAll(() => workspace.close());

const make = (displayName: string) => workspace.api('POST', '/v1/customers', { kind: 'COMPANY', displayName });

/** Has the streams of changes wait. @returns what lets them through */
async function holdStreams(unless: (route: Route) => Promise<boolean>): Promise<() => void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  await page.route('**/v1/changes**', async (route) => {
    if (await unless(route)) return;
    await promise;
    await route.continue();
  });
  return resolve;
}

test('a change between the first reads and the opening of the stream is shown', async () => {
  await make('Nordlys Energi');
  const letThrough = await holdStreams(() => Promise.resolve(false));
  await page.reload();
  await page.getByRole('row', { name: 'Nordlys Energi' }).waitFor();
  await make('Made before the opening');
  letThrough();
  await page.getByRole('row', { name: 'Made before the opening' }).waitFor();
});

test('a change after a stream whose cursor is refused is shown', async () => {
  const cursors: (string | null)[] = [];
  const letThrough = await holdStreams(async (route) => {
    cursors.push(new URL(route.request().url()).searchParams.get('cursor'));
    if (cursors.length > 1) return false;
    await route.fulfill({ contentType: 'application/x-ndjson', body: '{"cursor":"refused"}\n' });
    return true;
  });
  let reads = 0;
  page.on('response', (response) => {
    if (new URL(response.url()).pathname === '/v1/customers') reads += 1;
  });
  await page.reload();
  await expect.poll(() => cursors).toEqual([null, 'refused']);
  // One at first, and one when the stream has opened.
  await expect.poll(() => reads).toBeGreaterThan(1);
  await make('Made after the loss');
  letThrough();
  await page.getByRole('row', { name: 'Made after the loss' }).waitFor();
  await expect.poll(() => cursors.slice(2)).toEqual([null]);
});

test('a note that overtakes the first load of the timeline is shown', async () => {
  const { id } = await make('Fjord Instruments');
  const { promise, resolve: answer } = Promise.withResolvers<void>();
  let isFirst = true;
  await page.route('**/timeline?*', async (route) => {
    if (!isFirst) return route.continue();
    isFirst = false;
    await promise;
    // As read before the note.
    return route.fulfill({ json: { entries: [] } });
  });
  await page.goto(new URL(`/customers/${String(id)}`, page.url()).href);
  const note = page.getByRole('textbox', { name: 'Note' });
  await note.fill('Wants two sites');
  await note.press('Control+Enter');
  // It is empty when the note is stored and what depends on it is asked again.
  await expect.poll(() => note.inputValue()).toBe('');
  answer();
  await page.getByRole('link', { name: 'Wants two sites' }).waitFor();
});
