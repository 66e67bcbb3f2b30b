import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
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

/** A mailbox that sends, of a queue of its own. */
async function makeMailbox(): Promise<string> {
  const { id: relayId } = await workspace.api('POST', '/v1/relays', { name: 'Office', host: 'smtp.example.com' });
  const mailbox = { address: 'support@kestrel.example', kind: 'SEND_ONLY', relayId };
  const mailboxId = String((await workspace.api('POST', '/v1/mailboxes', mailbox))['id']);
  const queue = { key: 'mail', name: 'Mail', mailboxIds: [mailboxId] };
  // A new mailbox is known to queues a moment later.
  await vi.waitFor(() => workspace.api('POST', '/v1/queues', queue), { timeout: 60_000, interval: 200 });
  return mailboxId;
}

/** Drops new files of some sizes onto the composer. */
async function drop(files: Readonly<Record<string, number>>): Promise<void> {
  const data = await page.evaluateHandle((sizes) => {
    const transfer = new DataTransfer();
    for (const [name, bytes] of Object.entries(sizes)) transfer.items.add(new File([new Uint8Array(bytes)], name));
    return transfer;
  }, files);
  await page.getByRole('textbox', { name: 'Reply' }).dispatchEvent('drop', { dataTransfer: data });
}

test('one of many macros is found by typing, and applied by keys', async () => {
  const id = await ticketOf('The lamp flickers');
  const items = ['Alpha', 'Zebra'].flatMap((kind) =>
    Array.from({ length: 60 }, (_, index) => ({
      macro: { name: `${kind} ${index}`, actions: [{ setPriority: { priority: index === 59 ? 'URGENT' : 'LOW' } }] },
    })),
  );
  for (const half of [items.slice(0, 60), items.slice(60)])
    await workspace.api('POST', '/v1/macros:batchCreate', { items: half, mode: 'ATOMIC' });
  await goTo(page, '/my-day');
  await goTo(page, '/inbox');
  await open('The lamp flickers');

  // The key works from when the macros are there.
  await page.getByRole('button', { name: 'Macros' }).waitFor();
  await page.keyboard.press('m');
  await page.getByRole('searchbox', { name: 'Macros' }).waitFor();
  await page.keyboard.type('zebra 59');
  await expect.poll(() => page.getByRole('menuitem').allInnerTexts()).toEqual(['Zebra 59']);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Zebra 59' }).getByRole('button', { name: 'Apply' }).click();
  await expect.poll(async () => (await ticket(id))['priority']).toBe('URGENT');
});

test('files of a reply are chosen or dropped, refused in words where there are too many bytes, and sent', async () => {
  const mailboxId = await makeMailbox();
  const { id } = await workspace.api('POST', '/v1/tickets', { subject: 'Send the manual', customerId, mailboxId });
  await open('Send the manual');
  const chosen = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Attach files' }).click();
  const manual = { name: 'manual.txt', mimeType: 'text/plain', buffer: Buffer.from('Turn it off and on.') };
  // Within 18 MiB with the next one, and beyond 18 MB.
  const wrong = { ...manual, name: 'wrong.txt', buffer: Buffer.alloc(15_500_000) };
  await (await chosen).setFiles([manual, wrong]);
  await drop({ 'map.bin': 3_000_000, 'film.bin': 16_000_000 });
  await page.getByText('film.bin is not attached. The files of a reply have at most 18 MiB in all.').waitFor();
  await page.getByRole('button', { name: 'Remove wrong.txt' }).click();
  const attached = page.getByRole('list', { name: 'Attachments' }).getByRole('listitem');
  await expect.poll(() => attached.count()).toBe(2);

  await page.getByRole('textbox', { name: 'Reply' }).fill('Here is the manual.');
  await page.getByRole('button', { name: 'Send' }).click();
  await said('Here is the manual.');
  expect(await attached.count()).toBe(0);
  const { messages } = await workspace.api<{ messages: Json[] }>(
    'GET',
    `/v1/messages?filter=ticketId%20%3D%20${String(id)}`,
  );
  expect(messages).toMatchObject([{ direction: 'OUT', text: 'Here is the manual.' }]);
  expect(messages[0]?.['attachments']).toMatchObject([
    { name: 'manual.txt', sizeBytes: 19 },
    { name: 'map.bin', sizeBytes: 3_000_000 },
  ]);
  const stored = async () => {
    const { files } = await workspace.api<{ files: Json[] }>('GET', `/v1/files?record=tickets/${String(id)}`);
    return files.map(({ name }) => name).toSorted();
  };
  // A file that was removed while it was sent is discarded once it has arrived.
  await expect.poll(stored).toEqual(['manual.txt', 'map.bin']);

  await open('Please call back');
  await drop({ 'map.bin': 10 });
  await page.getByText('Only replies that are sent by mail have attachments.').waitFor();
});

test('a part of an entry is marked and made unreadable for good', async () => {
  const id = await ticketOf('Pay by card');
  const text = 'My card is\r\n4111 1111 1111 1111.';
  await workspace.api('POST', `/v1/tickets/${id}:addMessage`, { text });
  await open('Pay by card');
  await page.getByRole('listitem').filter({ hasText: '4111' }).hover();
  await page.getByRole('button', { name: 'Redact' }).click();
  const dialog = page.getByRole('dialog', { name: 'Redact parts of the text' });
  const area = dialog.getByRole('textbox', { name: 'Text of the entry' });
  await area.evaluate((element) => (element as HTMLTextAreaElement).setSelectionRange(11, 25));
  await dialog.getByRole('button', { name: 'Mark the selection' }).click();
  expect(await area.inputValue()).toBe('My card is\n██████████████ 1111.');
  await dialog.getByRole('textbox', { name: 'Reason, without personal data' }).fill('Number of a card');
  await dialog.getByRole('button', { name: 'Redact' }).click();
  await said('My card is\n██████████████ 1111.');
  expect(await entriesOf(id)).toMatchObject([
    { text: 'My card is\r\n██████████████ 1111.', redactions: [{ reason: 'Number of a card' }] },
  ]);
});
