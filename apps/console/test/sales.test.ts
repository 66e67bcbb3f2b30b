import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faultsOf, goTo, Workspace, type Json } from './workspace.ts';

let workspace: Workspace;
let pipelineId: string;
let ownerId: string;
let page: Page;
let faults: string[];

const stages = [
  { key: 'due', name: 'Due', kind: 'OPEN', probability: 20 },
  { key: 'offered', name: 'Offered', kind: 'OPEN', probability: 60, forecastCategory: 'COMMIT' },
  { key: 'won', name: 'Won', kind: 'WON' },
  { key: 'lost', name: 'Lost', kind: 'LOST' },
];

/** A quarter in which no other deal is expected. */
const period = '2031-Q3';

beforeAll(async () => {
  workspace = await Workspace.create();
  await workspace.api('PATCH', '/v1/settings', { baseCurrency: 'EUR' });
  const person = await workspace.person();
  ownerId = person.id;
  const pipeline = await workspace.api('POST', '/v1/pipelines', { name: 'Renewals', stages });
  pipelineId = String(pipeline['id']);
  page = await workspace.open('/', person);
  faults = faultsOf(page);
});

afterAll(async () => {
  // The browser notes each refusal that a test is about.
  expect(faults.filter((fault) => !fault.includes('Failed to load resource'))).toEqual([]);
  await workspace.close();
});

function deal(title: string, stage: string, amount: string, more: object = {}): Promise<Json> {
  return workspace.api('POST', '/v1/deals', {
    ...{ title, stage, pipelineId, ownerId, closeDate: '2031-08-15', ...more },
    amount: { amount, currencyCode: 'EUR' },
  });
}

/** Loads the console anew where the screen is already open: it would stay as it is. */
async function show(path: string): Promise<void> {
  const to = new URL(path, page.url());
  if (to.pathname !== new URL(page.url()).pathname) return goTo(page, path);
  await page.goto(to.href);
  await page.locator('#main h1').first().waitFor();
}

describe('the forecast', () => {
  beforeAll(async () => {
    const amount = { amount: '4000', currencyCode: 'EUR' };
    await workspace.api('POST', '/v1/quotas', { period, amount, ownerId });
    await deal('Offered seats', 'offered', '1000');
    await deal('Due seats', 'due', '500.50');
    await deal('Seats of another quarter', 'due', '70', { closeDate: '2031-10-01' });
  });

  test('leads from a number to exactly its deals, by mouse', async () => {
    await show(`/forecast?period=${period}`);
    const row = page.getByRole('row', { name: /Mara Lindqvist/ });
    await row.getByRole('cell', { name: '€4,000 0%' }).waitFor();
    await row.getByRole('link', { name: '€1,000' }).click();
    await page.getByText('Offered seats').waitFor();
    expect(await page.getByText('Due seats').count()).toBe(0);
    expect(new URL(page.url()).searchParams.get('filter')).toMatch(/^effectiveForecastCategory = COMMIT AND /);
  });

  test('goes to other periods by keys, and says what to do in an empty one', async () => {
    await show(`/forecast?period=${period}`);
    await page.getByText('Jul 1, 2031').waitFor();
    await page.keyboard.press(']');
    await page.getByText('Oct 1, 2031').waitFor();
    expect(page.url()).toContain('2031-Q4');
    await page.keyboard.press(']');
    await page.getByRole('heading', { name: 'Nothing is expected in Q1 2032' }).waitFor();
  });

  test('submits an amount by keyboard, and keeps the one before', async () => {
    await show(`/forecast?period=${period}`);
    for (const amount of ['900', '1200']) {
      await page.keyboard.press('s');
      await page.getByRole('dialog').getByLabel('Amount').fill(amount);
      await page.getByLabel('Note').fill(`About ${amount}`);
      await page.getByLabel('Amount').press('Enter');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.getByText(`About ${amount}`).waitFor();
    }
    const panel = page.getByRole('region', { name: 'Forecast submissions' });
    expect(await panel.getByRole('listitem').count()).toBe(1);
    expect(await panel.locator('del').innerText()).toBe('€900');
  });

  test('shows the forecast as it was, without links to what is now', async () => {
    await deal('Later seats', 'offered', '9000');
    await show(`/forecast?period=${period}`);
    await page.getByRole('link', { name: '€10,000' }).first().waitFor();
    const ruler = page.getByRole('slider', { name: 'As of' });
    await ruler.focus();
    await page.keyboard.press('ArrowLeft');
    await page
      .getByRole('row', { name: /Mara Lindqvist/ })
      .getByText('€1,000')
      .waitFor();
    expect(await page.getByRole('link', { name: '€1,000' }).count()).toBe(0);
    await page.keyboard.press('n');
    await page.getByRole('link', { name: '€10,000' }).first().waitFor();
  });
});

test('a report counts the deals that went on, and leads from a reason to its losses', async () => {
  const { id } = await deal('Lost seats', 'due', '300');
  await workspace.api('POST', `/v1/deals/${String(id)}:lose`, { reason: 'Price' });
  const { id: won } = await deal('Won seats', 'due', '800');
  await workspace.api('POST', `/v1/deals/${String(won)}:win`, {});
  await show(`/reports?pipeline=${pipelineId}`);
  await page.getByText('1 won, 1 lost').waitFor();
  await page.getByRole('radio', { name: '30 days' }).focus();
  await page.keyboard.press('Space');
  await expect.poll(() => page.url()).toContain('range=30d');
  await page.getByRole('link', { name: 'Price' }).click();
  await page.getByText('Lost seats').waitFor();
  expect(await page.getByText('Won seats').count()).toBe(0);
});

describe('the editor of a pipeline', () => {
  let id: string;

  beforeAll(async () => {
    const made = await workspace.api('POST', '/v1/pipelines', { name: 'Services', stages });
    id = String(made['id']);
  });

  async function read(): Promise<{ stages: (Json & { key: string })[] } & Json> {
    return workspace.api('GET', `/v1/pipelines/${id}`);
  }

  /** As another user does. */
  async function changeFirst(change: Json): Promise<void> {
    const known = (await read()).stages.map(({ id: _, ...each }) => each);
    await workspace.api('PATCH', `/v1/pipelines/${id}`, { stages: known.with(0, { ...known[0]!, ...change }) });
  }

  const order = async () => (await read()).stages.map(({ key }) => key);
  const item = (name: string) => page.getByRole('row', { name });

  test('orders stages by keyboard and by dragging', async () => {
    await show(`/pipelines/${id}/stages`);
    await item('Due').click();
    await page.keyboard.press('Alt+ArrowDown');
    await expect.poll(order).toEqual(['offered', 'due', 'won', 'lost']);
    const [from, to] = [await item('Due').boundingBox(), await item('Offered').boundingBox()];
    if (!from || !to) throw new Error('A stage is not on the page.');
    await page.mouse.move(from.x + 80, from.y + 10);
    await page.mouse.down();
    await page.mouse.move(from.x + 90, from.y - 5, { steps: 4 });
    await page.mouse.move(to.x + 80, to.y + 4, { steps: 8 });
    await page.mouse.up();
    await expect.poll(order).toEqual(['due', 'offered', 'won', 'lost']);
  });

  test('adds a stage, and removes it with the destination of its deals, by keyboard', async () => {
    await show(`/pipelines/${id}/stages`);
    await item('Due').waitFor();
    await page.keyboard.press('a');
    await page.getByRole('dialog').getByLabel('Name').fill('On-site visit');
    await page.keyboard.press('Enter');
    await item('On-site visit').waitFor();
    expect(await order()).toEqual(['due', 'offered', 'on_site_visit', 'won', 'lost']);
    await deal('Visited seats', 'on_site_visit', '10', { pipelineId: id });
    await item('On-site visit').focus();
    await page.keyboard.press('Delete');
    await page.getByText('1 deal moves there').waitFor();
    await page.getByLabel('Reason').fill('No visits');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await order()).toEqual(['due', 'offered', 'won', 'lost']);
    const { deals } = await workspace.api<{ deals: Json[] }>('GET', `/v1/deals?filter=pipelineId=${id}`);
    expect(deals).toMatchObject([{ title: 'Visited seats', stage: 'offered' }]);
  });

  test('shows what the server says of a condition before it is saved, then saves guards and moves', async () => {
    await show(`/pipelines/${id}/stages`);
    await item('Offered').click();
    await page.getByRole('button', { name: 'Add guard' }).press('Enter');
    await page.getByRole('menuitem', { name: /CEL/ }).press('Enter');
    const expression = page.getByLabel('Expression');
    await expression.fill('deal.titel == "x"');
    await expression.press('Tab');
    await page.getByText('No such key: titel').waitFor();
    await expression.fill('deal.title == "x"');
    await page.getByRole('radio', { name: 'Listed' }).click();
    await page.getByRole('checkbox', { name: 'Won' }).focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Control+Enter');
    await page.getByText('Services saved').waitFor();
    const saved = await read();
    expect(saved.stages[1]).toMatchObject({ guards: [{ kind: 'EXPRESSION', expression: 'deal.title == "x"' }] });
    expect(saved['transitionPairs']).not.toContainEqual({ from: 'offered', to: 'won' });
    expect(saved['transitionPairs']).toContainEqual({ from: 'due', to: 'offered' });
  });

  test('keeps edits over the change of another user, and asks where both changed the same', async () => {
    await show(`/pipelines/${id}/stages`);
    await page.getByLabel('Probability, %').fill('35');
    await page.route('**/v1/changes**', (route) => route.abort());
    await changeFirst({ name: 'Due soon' });
    await page.getByRole('button', { name: 'Save' }).click();
    await item('Due soon').waitFor();
    await expect.poll(async () => (await read()).stages[0]).toMatchObject({ name: 'Due soon', probability: 35 });
    // A key that saves does nothing while the answer is still awaited.
    await expect.poll(() => page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);

    await page.getByLabel('Probability, %').fill('40');
    await changeFirst({ probability: 50 });
    await page.keyboard.press('Control+Enter');
    await page.getByText('Another user changed the same meanwhile').waitFor();
    await page.getByRole('radio', { name: /40/ }).press('Space');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect.poll(async () => (await read()).stages[0]).toMatchObject({ probability: 40 });
    await page.unroute('**/v1/changes**');
  });

  test('archives the pipeline, whose deals go to another one', async () => {
    await show(`/pipelines/${id}/stages`);
    await page.getByRole('button', { name: 'More' }).press('Enter');
    await page.getByRole('menuitem', { name: 'Archive pipeline' }).press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Move to pipeline' }).press('Enter');
    await page.getByRole('option', { name: 'Renewals' }).press('Enter');
    await dialog.getByRole('button', { name: 'Move to stage' }).press('Enter');
    await page.getByRole('option', { name: 'Due' }).press('Enter');
    await dialog.getByRole('button', { name: 'Archive pipeline' }).click();
    await page.getByText('Services archived, 1 deal moved').waitFor();
    const { deals } = await workspace.api<{ deals: Json[] }>('GET', `/v1/deals?filter=title="Visited seats"`);
    expect(deals).toMatchObject([{ pipelineId, stage: 'due' }]);
  });
});
