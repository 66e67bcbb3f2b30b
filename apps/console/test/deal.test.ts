import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faultsOf, goTo, Workspace, type Json } from './workspace.ts';

let workspace: Workspace;
let page: Page;
let pipelineId: string;

const stages = [
  { key: 'due', name: 'Due', kind: 'OPEN', probability: 20, limitDays: 14 },
  {
    key: 'offered',
    name: 'Offered',
    kind: 'OPEN',
    guards: [{ kind: 'FIELDS', fields: ['amount'], message: 'Say how much.' }],
  },
  { key: 'won', name: 'Won', kind: 'WON' },
];

beforeAll(async () => {
  workspace = await Workspace.create();
  await workspace.api('PATCH', '/v1/settings', { baseCurrency: 'EUR' });
  const pipeline = await workspace.api('POST', '/v1/pipelines', { name: 'Renewals', stages });
  pipelineId = String(pipeline['id']);
  page = await workspace.open('/');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
});

afterAll(() => workspace.close());

async function deal(title: string, more: object = {}): Promise<string> {
  const { id } = await workspace.api('POST', '/v1/deals', { title, stage: 'due', pipelineId, ...more });
  return String(id);
}

async function newUser(): Promise<string> {
  const user = { email: `${crypto.randomUUID()}@example.com`, displayName: 'Ada', roleIds: ['read-only'] };
  return String((await workspace.api('POST', '/v1/users', user))['id']);
}

function read(id: string): Promise<Json> {
  return workspace.api('GET', `/v1/deals/${id}`);
}

async function reasons(id: string): Promise<unknown[]> {
  const filter = encodeURIComponent(`dealId = ${id}`);
  const entries = await workspace.api<{ stageEntries: Json[] }>(
    'GET',
    `/v1/stageEntries?orderBy=enterTime&filter=${filter}`,
  );
  return entries.stageEntries.map(({ reason }) => reason);
}

function stage(name: string) {
  return page.getByRole('list', { name: 'Stages' }).getByRole('button', { name });
}

describe('a deal', () => {
  test('says why a stage does not take it before it is moved, asks for what is missing, and goes back', async () => {
    const id = await deal('Alpha');
    await goTo(page, `/deals/${id}`);
    const faults = faultsOf(page);
    await stage('Offered').focus();
    await page.getByText('Say how much.').waitFor();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Move to Offered' });
    await dialog.getByText('Say how much.').waitFor();
    await page.keyboard.type('1200');
    await dialog.getByRole('textbox', { name: 'Reason' }).fill('They agreed');
    await dialog.getByRole('button', { name: 'Move' }).click();
    await dialog.waitFor({ state: 'detached' });
    await expect.poll(() => read(id)).toMatchObject({ stage: 'offered', amount: { amount: '1200' } });
    expect(await reasons(id)).toEqual([undefined, 'They agreed']);
    // A place that is a text of digits tells people nothing.
    expect(await page.getByText('Rank', { exact: true }).count()).toBe(0);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => read(id)).toMatchObject({ stage: 'due' });
    await page.locator('[aria-current=step]', { hasText: 'Due' }).waitFor();
    await stage('Won').click();
    await expect.poll(() => read(id)).toMatchObject({ status: 'WON' });
    expect(faults).toEqual([]);
  });

  test('takes notes, calls and tasks by key, and shows them in its timeline', async () => {
    const id = await deal('Beta');
    await goTo(page, `/deals/${id}`);
    await stage('Due').waitFor();
    await page.getByRole('textbox', { name: 'Note' }).waitFor();
    await page.keyboard.press('n');
    await page.keyboard.type('Wants two sites');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('link', { name: 'Wants two sites' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('l');
    await page.keyboard.type('Asked for the price');
    await page.getByRole('button', { name: 'Log call' }).click();
    await page.getByRole('link', { name: 'Asked for the price' }).waitFor();
    await page.getByRole('heading', { level: 1 }).click();
    await page.keyboard.press('t');
    await page.keyboard.type('Send the list +3');
    await page.keyboard.press('Enter');
    const tasks = page.getByRole('list', { name: 'Tasks' });
    await tasks.getByRole('link', { name: 'Send the list' }).waitFor();
    const { entries } = await workspace.api<{ entries: Json[] }>('GET', `/v1/deals/${id}/timeline`);
    expect(entries.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['NOTE', 'CALL', 'TASK']));
    await tasks.getByRole('checkbox', { name: 'Complete “Send the list”' }).press('Space');
    await tasks.waitFor({ state: 'detached' });
  });

  test('has what happened to its lead on the page of the lead too', async () => {
    const { id: customerId } = await workspace.api('POST', '/v1/customers', { kind: 'PERSON', displayName: 'Grace' });
    const lead = await workspace.api('POST', '/v1/leads', { customerId, company: 'Cobol Systems' });
    const path = `leads/${String(lead['id'])}`;
    await workspace.api('POST', `/v1/${path}:qualify`, { deal: { title: 'Theta', pipelineId } });
    await goTo(page, '/leads');
    await page
      .getByRole('row', { name: /Cobol Systems/ })
      .getByRole('link', { name: 'Grace' })
      .click();
    await page.getByRole('heading', { level: 1, name: 'Grace' }).waitFor();
    await page.getByRole('link', { name: 'Theta' }).first().waitFor();
    await page.getByRole('textbox', { name: 'Note' }).waitFor();
    await page.keyboard.press('n');
    await page.keyboard.type('Met at the fair');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('link', { name: 'Met at the fair' }).waitFor();
    const { entries } = await workspace.api<{ entries: Json[] }>('GET', `/v1/${path}/timeline`);
    expect(entries.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['NOTE', 'DEAL', 'STAGE']));
  });

  test('has totals of its lines as the server computes them while they are typed, and saves them by key', async () => {
    const id = await deal('Gamma', { lineCurrency: 'EUR', amountMode: 'LINES' });
    await goTo(page, `/deals/${id}`);
    await page.getByRole('radio', { name: 'Lines' }).click();
    await page.getByRole('button', { name: 'Add a line' }).click();
    await page.getByLabel('Line 1, Description').fill('Seat, one year');
    await page.getByLabel('Line 1, Quantity').fill('3');
    await page.getByLabel('Line 1, Unit price').fill('33.335');
    await page.getByLabel('Line 1, Tax %').fill('19');
    await page.getByText('€119.01').waitFor();
    expect((await read(id))['lineTotals']).toBeUndefined();
    await page.getByLabel('Line 1, Quantity').fill('three');
    await page.getByRole('alert').first().waitFor();
    await page.getByLabel('Line 1, Quantity').fill('3');
    await page.getByText('€119.01').waitFor();
    await page.keyboard.press('Control+s');
    await expect.poll(() => read(id)).toMatchObject({ lineTotals: { net: '100.01', gross: '119.01' } });
    await page.getByRole('button', { name: 'Save' }).waitFor({ state: 'detached' });
  });

  test('says that someone else has changed the lines that were typed over, and leaves theirs', async () => {
    const lines = (quantity: string) => ({ lineItems: [{ description: 'Seat', quantity, unitPrice: '10' }] });
    const id = await deal('Eta', { lineCurrency: 'EUR', amountMode: 'LINES', ...lines('1') });
    await goTo(page, `/deals/${id}`);
    await page.getByRole('radio', { name: 'Lines' }).click();
    await page.getByLabel('Line 1, Quantity').fill('2');
    await workspace.api('PATCH', `/v1/deals/${id}`, { title: 'Eta of Tobias', ...lines('5') });
    await page.getByRole('heading', { name: 'Eta of Tobias', level: 1 }).waitFor();
    await page.keyboard.press('Control+s');
    await page.getByText('It has changed since it was shown.').waitFor();
    expect(await read(id)).toMatchObject(lines('5'));
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByLabel('Line 1, Quantity').fill('6');
    expect(await page.getByText('It has changed since it was shown.').count()).toBe(0);
    await page.keyboard.press('Control+s');
    await expect.poll(() => read(id)).toMatchObject(lines('6'));
  });

  test('says that someone else has changed the splits that are edited, and leaves theirs', async () => {
    const [ownerId, other] = [await newUser(), await newUser()];
    const splits = (share: string) => [
      { ownerId, share },
      { ownerId: other, share: String(100 - Number(share)) },
    ];
    const id = await deal('Iota', { splits: splits('60') });
    await goTo(page, `/deals/${id}`);
    await page.getByRole('button', { name: 'Edit Splits' }).click();
    await page.getByLabel('Share 1, Share').fill('50');
    await page.getByLabel('Share 2, Share').fill('50');
    await workspace.api('PATCH', `/v1/deals/${id}`, { splits: splits('70') });
    await page.keyboard.press('Control+s');
    await page.getByText('It has changed since it was shown.').waitFor();
    expect(await read(id)).toMatchObject({ splits: splits('70') });
  });

  test('says in its dialog what the server refuses, beside the input', async () => {
    const id = await deal('Epsilon');
    await goTo(page, `/deals/${id}`);
    await page.getByRole('heading', { name: 'Epsilon', level: 1 }).waitFor();
    await stage('Offered').focus();
    await page.getByText('Say how much.').waitFor();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Move to Offered' });
    await dialog.getByRole('textbox').first().fill('twelve');
    await dialog.getByRole('button', { name: 'Move' }).click();
    await dialog.getByText(/must be a decimal number/).waitFor();
    expect(await read(id)).toMatchObject({ stage: 'due' });
  });

  test('is divided by shares that add up, which are typed and saved by key', async () => {
    const amount = { amount: '100.01', currencyCode: 'EUR' };
    const [ownerId, other] = [await newUser(), await newUser()];
    const splits = [
      { ownerId, share: '60' },
      { ownerId: other, share: '40' },
    ];
    const id = await deal('Zeta', { amount, splits });
    await goTo(page, `/deals/${id}`);
    await page.getByText('€60.01').waitFor();
    await page.getByRole('button', { name: 'Edit Splits' }).click();
    await page.getByLabel('Share 1, Share').fill('33.3333');
    await page.getByText('26.6667 % left').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText(/100/).waitFor();
    await page.getByLabel('Share 2, Share').fill('66.6667');
    await page.keyboard.press('Control+s');
    await page.getByText('€66.67').waitFor();
    expect(await read(id)).toMatchObject({
      splits: [
        { ownerId, share: '33.3333', amount: '33.34' },
        { ownerId: other, share: '66.6667', amount: '66.67' },
      ],
    });
    await page.getByRole('button', { name: 'Edit Splits' }).click();
    for (const place of [2, 1]) await page.getByRole('button', { name: `Remove share ${place}` }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await expect.poll(() => read(id)).toMatchObject({ splits: [] });
    await page.getByRole('button', { name: 'Add to Splits' }).click();
    await page.getByLabel('Share 1, Share').waitFor();
    expect(await page.getByLabel('Share 1, Share').inputValue()).toBe('100');
  });

  test('shows its quotes as the customer sees them, and copies the link at which one is accepted', async () => {
    const id = await deal('Delta');
    const lineItems = [{ description: 'Seat & desk', quantity: '3', unitPrice: '100' }];
    const quote = { title: 'Delta', dealId: id, currency: 'EUR', issuer: 'Kestrel', lineItems };
    const { id: quoteId } = await workspace.api('POST', '/v1/quotes', quote);
    await goTo(page, `/deals/${id}`);
    const faults = faultsOf(page);
    await page.getByRole('radio', { name: 'Quotes' }).click();
    const picture = page.getByRole('img', { name: 'Quote Draft as the customer sees it' });
    await picture.waitFor();
    await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Send and copy the link' }).click();
    await page.getByText('The link for the customer is copied').waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    const answer = await fetch(link);
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringMatching(/Seat &[#\w]+; desk/)]);
    expect(await workspace.api('GET', `/v1/quotes/${String(quoteId)}`)).toMatchObject({ state: 'SENT' });
    await page.getByRole('button', { name: 'Copy a new link' }).waitFor();
    expect(faults).toEqual([]);
  });

  test('shows the state and the sum of each quote in their list on a phone', async () => {
    const phone = await workspace.open('/quotes', undefined, { viewport: { width: 390, height: 844 } });
    const row = phone.getByRole('row', { name: 'Delta' });
    await row.waitFor();
    const shown = (await row.innerText()).replace(/\s+/g, ' ');
    expect(shown).toContain('Sent');
    expect(shown).toContain('€300');
  });
});
