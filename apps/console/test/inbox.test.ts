import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultsOf, goTo, Workspace, type Json } from './workspace.ts';

let workspace: Workspace;
let page: Page;
let faults: string[];
let userId: string;
let customerId: string;

beforeAll(async () => {
  workspace = await Workspace.create();
  const person = await workspace.person();
  userId = person.id;
  const customer = await workspace.api('POST', '/v1/customers', {
    ...{ kind: 'PERSON', displayName: 'Ada Lovelace', emails: [{ address: 'ada@example.com' }] },
  });
  customerId = String(customer['id']);
  page = await workspace.open('/', person);
  faults = faultsOf(page);
});

afterAll(async () => {
  expect(faults).toEqual([]);
  await workspace.close();
});

async function ticketOf(subject: string): Promise<string> {
  const { id } = await workspace.api('POST', '/v1/tickets', { subject, customerId });
  return String(id);
}

async function entriesOf(id: string): Promise<Json[]> {
  const filter = encodeURIComponent(`ticketId = "${id}"`);
  const { ticketEntries } = await workspace.api<{ ticketEntries: Json[] }>('GET', `/v1/ticketEntries?filter=${filter}`);
  return ticketEntries;
}

const ticket = (id: string) => workspace.api('GET', `/v1/tickets/${id}`);
const said = (words: string) => page.getByRole('listitem').getByText(words, { exact: true }).waitFor();

/** Opens a ticket of the list. */
async function open(subject: string): Promise<void> {
  await page.getByRole('row', { name: subject }).click();
  await page.getByRole('heading', { name: subject, level: 2 }).waitFor();
}

test('an agent goes through the inbox, notes, takes and solves by keys alone', async () => {
  const first = await ticketOf('The stand drifts');
  await ticketOf('The invoice is wrong');
  await goTo(page, '/inbox');
  await open('The stand drifts');
  await page.keyboard.press('n');
  await page.keyboard.type('Seen before on stand 2.');
  await page.keyboard.press('ControlOrMeta+Enter');
  await said('Seen before on stand 2.');
  expect(await entriesOf(first)).toContainEqual(
    expect.objectContaining({ kind: 'INTERNAL_NOTE', visibility: 'INTERNAL', text: 'Seen before on stand 2.' }),
  );

  await page.keyboard.press('Escape');
  await page.keyboard.press('t');
  await expect.poll(async () => (await ticket(first))['ownerId']).toBe(userId);
  await page.keyboard.press('s');
  await expect.poll(async () => (await ticket(first))['category']).toBe('SOLVED');
  await page
    .getByRole('alertdialog', { name: /solved/ })
    .getByRole('button', { name: 'Undo' })
    .click();
  await expect.poll(async () => (await ticket(first))['category']).not.toBe('SOLVED');

  await page.getByRole('row', { name: 'The stand drifts' }).waitFor();
  const subjects = await page.getByRole('grid').getByRole('row').allInnerTexts();
  await page.keyboard.press(subjects[0]?.includes('The stand drifts') ? 'j' : 'k');
  await page.getByRole('heading', { name: 'The invoice is wrong', level: 2 }).waitFor();
});

test('what is written is kept while another ticket is looked at, and sent with a status', async () => {
  const one = await ticketOf('Where is my order?');
  await ticketOf('Please call back');
  await page.getByRole('row', { name: 'Please call back' }).waitFor();
  await open('Where is my order?');
  await page.keyboard.press('r');
  await page.keyboard.type('It leaves today.');
  await page.keyboard.press('Escape');
  await open('Please call back');
  expect(await page.getByRole('textbox', { name: 'Reply' }).inputValue()).toBe('');
  await open('Where is my order?');
  expect(await page.getByRole('textbox', { name: 'Reply' }).inputValue()).toBe('It leaves today.');

  await page.getByRole('button', { name: /Status after the reply/ }).click();
  await page.getByRole('option', { name: 'Then Pending' }).click();
  await page.getByRole('button', { name: 'Send' }).click();
  await said('It leaves today.');
  expect(await ticket(one)).toMatchObject({ category: 'PENDING' });
  expect(await entriesOf(one)).toMatchObject([{ kind: 'PUBLIC_REPLY', text: 'It leaves today.', authorId: userId }]);
});
