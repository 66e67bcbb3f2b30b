import type { Locator, Page, Request } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { faultsOf, Workspace, type Json } from './workspace.ts';

let workspace: Workspace;
let pipelineId: string;
let page: Page;

const stages = [
  { key: 'due', name: 'Due', kind: 'OPEN', probability: 20, limitDays: 14 },
  { key: 'offered', name: 'Offered', kind: 'OPEN', probability: 60 },
  { key: 'won', name: 'Won', kind: 'WON', guards: [{ kind: 'FIELDS', fields: ['amount'] }] },
];

beforeAll(async () => {
  workspace = await Workspace.create();
  const pipeline = await workspace.api('POST', '/v1/pipelines', { name: 'Renewals', stages });
  pipelineId = String(pipeline['id']);
  page = await workspace.open('/deals/board');
});

afterEach(() => page.unrouteAll());

afterAll(() => workspace.close());

describe('a board', () => {
  test('sends the same call by keyboard and by mouse, with the etag, and keeps the place', async () => {
    const [first, second, third] = await Promise.all(['Alpha', 'Beta', 'Gamma'].map((title) => deal(title, 'due')));
    await deal('Delta', 'offered');
    const faults = faultsOf(page);
    const moves: Request[] = [];
    page.on('request', (request) => {
      if (request.method() !== 'GET' && request.url().includes('/v1/deals/')) moves.push(request);
    });
    await card('Delta').waitFor();

    await card('Beta').focus();
    await page.keyboard.press('Space');
    await page.getByText('Was here, Due').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('status').getByText('Offered, ').waitFor();
    await page.keyboard.press('Space');
    await inColumn('offered', 'Beta').waitFor();
    await expect.poll(() => focused()).toContain('Beta');

    await drag(card('Gamma'), card('Delta'));
    await inColumn('offered', 'Gamma').waitFor();
    await expect.poll(() => moves.length).toBe(2);

    const ids = [second, third].map((each) => each?.['id']);
    const sent = moves.map((request) => ({
      method: request.method(),
      path: new URL(request.url()).pathname,
      body: Object.keys(request.postDataJSON() as Json).toSorted(),
    }));
    expect(sent.map(({ path }) => path)).toEqual(ids.map((id) => `/v1/deals/${String(id)}:move`));
    expect(sent[0]?.method).toBe(sent[1]?.method);
    expect(sent[0]?.body).toContain('stage');
    expect(await Promise.all(moves.map((request) => request.headerValue('if-match')))).toEqual(['"1"', '"1"']);

    // The card is drawn by the move until it is saved, and by the column afterwards.
    await expect.poll(() => titles('offered')).toHaveLength(3);
    const order = await titles('offered');
    await page.reload();
    await card('Gamma').waitFor();
    expect(await titles('offered')).toEqual(order);
    await card(String(first?.['title'])).waitFor();
    expect(await titles('due')).toEqual([first?.['title']]);
    expect(faults).toEqual([]);
  });

  test('keeps a card in its new place and in the focus while others change the board before the move is saved', async () => {
    await deal('Eta', 'due');
    await deal('Theta', 'offered');
    const isMove = (url: URL) => url.pathname.endsWith(':move');
    let send = () => {};
    const sent = new Promise<void>((resolve) => {
      send = resolve;
    });
    await page.route(isMove, async (route) => {
      await sent;
      await route.continue();
    });
    await card('Eta').focus();
    await page.keyboard.press('Space');
    await page.getByText('Was here, Due').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('status').getByText('Offered, ').waitFor();
    await page.keyboard.press('Space');
    await inColumn('offered', 'Eta').waitFor();
    await deal('Iota', 'due');
    await inColumn('due', 'Iota').waitFor();
    expect(await inColumn('offered', 'Eta').count()).toBe(1);
    expect(await inColumn('due', 'Eta').count()).toBe(0);
    expect(await focused()).toContain('Eta');
    const saved = page.waitForResponse((response) => isMove(new URL(response.url())));
    send();
    expect((await saved).status()).toBe(200);
    await deal('Kappa', 'due');
    await inColumn('due', 'Kappa').waitFor();
    expect(await inColumn('offered', 'Eta').count()).toBe(1);
    expect(await focused()).toContain('Eta');
  });

  test('moves a card a second time before its first move is saved', async () => {
    const { id } = await deal('Lambda', 'due');
    let send = () => {};
    const sent = new Promise<void>((resolve) => {
      send = resolve;
    });
    const bodies: unknown[] = [];
    await page.route('**/v1/deals/*:move', async (route) => {
      bodies.push((route.request().postDataJSON() as Json)['stage']);
      if (bodies.length === 1) await sent;
      await route.continue();
    });
    for (const column of ['Offered', 'Due']) {
      await card('Lambda').getByRole('button', { name: 'Move to' }).click();
      await page.getByRole('menuitem', { name: column }).click();
      await inColumn(column.toLowerCase(), 'Lambda').waitFor();
    }
    const saved = page.waitForResponse(
      (response) => response.url().endsWith(':move') && response.request().postData()?.includes('"due"') === true,
    );
    send();
    expect((await saved).status()).toBe(200);
    expect(bodies).toEqual(['offered', 'due']);
    expect(await workspace.api('GET', `/v1/deals/${String(id)}`)).toMatchObject({ stage: 'due' });
    await expect.poll(() => inColumn('due', 'Lambda').count()).toBe(1);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  test('says why a stage does not take the held card, before the drop', async () => {
    await deal('Zeta', 'due');
    await card('Zeta').focus();
    await page.keyboard.press('Space');
    await page.getByRole('region', { name: 'Won' }).getByText('Needs: Amount').waitFor();
    await page.getByRole('img', { name: '0 days in this stage, limit 14' }).first().waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => focused()).toContain('Zeta');
    await inColumn('due', 'Zeta').waitFor();
  });

  test('shows no counts before they are known', async () => {
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await deal('Nu', 'due');
    await page.route(/\/v1\/deals:aggregate/, async (route) => {
      await answered;
      await route.continue();
    });
    await page.reload();
    await card('Nu').waitFor();
    const heading = page.getByRole('heading', { name: 'Due' });
    expect(await heading.innerText()).toBe('Due');
    expect(await page.getByText(/^0 cards/).count()).toBe(0);
    answer();
    await expect.poll(() => heading.innerText()).toMatch(/^Due \d+$/);
    await page.getByText(/^[1-9]\d* cards/).waitFor();
  });

  test('draws the age across the whole card on a phone', async () => {
    await deal('Mu', 'due');
    const phone = await workspace.open('/deals/board', undefined, { viewport: { width: 390, height: 844 } });
    const age = phone.getByRole('row', { name: 'Mu', exact: true }).getByRole('img', { name: /limit 14/ });
    const right = await age
      .locator('path')
      .first()
      .evaluate((path) => path.getBoundingClientRect().right);
    const end = await age.evaluate((svg) => svg.parentElement!.querySelector('span')!.getBoundingClientRect().right);
    expect(Math.abs(end - right)).toBeLessThan(8);
  });

  test('puts back a card that someone else has changed meanwhile, and says who', async () => {
    const { id } = await deal('Epsilon', 'due');
    const other = await workspace.person(['admin'], 'Tobias Krämer');
    // The change of another person is made between reading and moving, without the live feed.
    await page.route('**/v1/changes**', (route) => route.abort());
    await page.reload();
    await card('Epsilon').focus();
    await page.keyboard.press('Space');
    await page.getByText('Was here, Due').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('status').getByText('Offered, ').waitFor();
    await workspace.apiAs(other, 'PATCH', `/v1/deals/${String(id)}`, { tags: ['urgent'] });
    await page.keyboard.press('Space');
    await page.getByRole('alert').getByText('Put back: Tobias Krämer changed it').waitFor();
    await inColumn('due', 'Epsilon').waitFor();
    await expect.poll(() => focused()).toContain('Epsilon');
  });
});

function deal(title: string, stage: string): Promise<Json> {
  return workspace.api('POST', '/v1/deals', { title, stage, pipelineId });
}

function card(title: string): Locator {
  return page.getByRole('row', { name: title, exact: true });
}

function inColumn(column: string, title: string): Locator {
  return page.locator(`[data-column=${column}]`).getByRole('row', { name: title, exact: true });
}

async function titles(column: string): Promise<string[]> {
  const rows = await page.locator(`[data-column=${column}] [role=row][data-key]`).all();
  return Promise.all(rows.map((row) => row.getByText(/^\w+$/).first().innerText()));
}

function focused(): Promise<string> {
  return page.evaluate(() => document.activeElement?.textContent ?? '');
}

async function drag(from: Locator, to: Locator): Promise<void> {
  const [start, end] = [await from.boundingBox(), await to.boundingBox()];
  if (!start || !end) throw new Error('A card is not on the page.');
  await page.mouse.move(start.x + 40, start.y + 12);
  await page.mouse.down();
  await page.mouse.move(start.x + 60, start.y + 30, { steps: 4 });
  await page.mouse.move(end.x + 40, end.y + end.height / 4, { steps: 12 });
  await page.getByRole('status').getByText('Offered, ').waitFor();
  await page.mouse.up();
}
