import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goTo, Workspace, type Json } from './workspace.ts';

let workspace: Workspace;
let page: Page;

beforeAll(async () => {
  workspace = await Workspace.create();
  page = await workspace.open('/');
});

afterAll(() => workspace.close());

describe('the page of a record', () => {
  test('keeps what the server refuses in its input, with the sentence under it', async () => {
    const { id, emails: before } = await newCustomer();
    await show(`/customers/${id}`);
    await editField(/^Edit E-?mail/);
    const input = fields().getByRole('textbox').first();
    await input.fill('no address');
    await fields().getByRole('button', { name: 'Save' }).click();
    await fields().getByText('must be an e-mail address.').waitFor();
    expect(await input.inputValue()).toBe('no address');
    expect(await input.getAttribute('aria-invalid')).toBe('true');
    await page.keyboard.press('Escape');
    await input.waitFor({ state: 'detached' });
    expect(await read(id)).toMatchObject({ emails: before });
  });

  test('saves the fields that no other user changed, and asks for the one that another user did', async () => {
    const { id } = await newCustomer();
    await show(`/customers/${id}`);
    await page.keyboard.press('e');
    await fields().getByLabel('Job title').fill('Head of purchasing');
    await fields().getByLabel('Source').fill('fair');
    await workspace.api('PATCH', `/v1/customers/${id}`, { jobTitle: 'Buyer' });
    await fields().getByRole('button', { name: 'Save' }).click();
    await fields().getByText('while you were editing').waitFor();
    expect(await read(id)).toMatchObject({ jobTitle: 'Buyer', source: 'fair' });
    await fields().getByRole('button', { name: 'Keep mine' }).click();
    await fields().getByText('while you were editing').waitFor({ state: 'detached' });
    expect(await read(id)).toMatchObject({ jobTitle: 'Head of purchasing', source: 'fair' });
  });

  test('keeps what is typed into a record that someone else deletes, until it is restored and saved', async () => {
    const { id } = await newCustomer();
    await show(`/customers/${id}`);
    await page.keyboard.press('e');
    await fields().getByLabel('Job title').fill('Head of purchasing');
    await workspace.api('DELETE', `/v1/customers/${id}`);
    await fields().getByRole('alert').filter({ hasText: 'Someone has deleted this record' }).waitFor();
    expect(await fields().getByLabel('Job title').inputValue()).toBe('Head of purchasing');
    await page.getByRole('button', { name: 'Undelete' }).click();
    await fields().getByRole('alert').waitFor({ state: 'detached' });
    await fields().getByRole('button', { name: 'Save' }).click();
    await fields().getByRole('button', { name: 'Edit' }).first().waitFor();
    expect(await read(id)).toMatchObject({ jobTitle: 'Head of purchasing' });
  });

  test('gives the focus back to what opened an editor', async () => {
    const { id } = await newCustomer();
    await show(`/customers/${id}`);
    await editField(/^Edit Name/);
    await fields().getByRole('textbox').first().fill('Käthe Weiß');
    await page.keyboard.press('Enter');
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
    await expect.poll(focused).toBe('Edit Name');
    await page.keyboard.press('e');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toMatch(/^Edit/);
  });

  test('shows the record as of an earlier change, and gives a field the value that it had', async () => {
    const { id } = await newCustomer();
    await workspace.api('PATCH', `/v1/customers/${id}`, { jobTitle: 'Buyer' });
    await show(`/customers/${id}`);
    const ruler = page.getByRole('slider', { name: 'As of' });
    await ruler.focus();
    await page.keyboard.press('Home');
    await page.getByText('Nothing can be edited.').waitFor();
    await fields().getByText('today: Buyer').waitFor();
    expect(await fields().getByRole('button', { name: /^Edit/ }).count()).toBe(0);
    await fields().getByRole('button', { name: 'Restore this value' }).first().click();
    await fields().getByText('today:').waitFor({ state: 'detached' });
    expect(await read(id)).toMatchObject({ jobTitle: 'Engineer' });
    await page.keyboard.press('n');
    await page.getByText('Nothing can be edited.').waitFor({ state: 'detached' });
  });

  test('goes to the next record of the list that it was opened from', async () => {
    const ids = [await newCustomer('next'), await newCustomer('next')].map((each) => each.id);
    const from = encodeURIComponent('?filter=tags%3A"next"&sort=createTime');
    await show(`/customers/${ids[0]}?from=${from}`);
    await page.getByText('1 of 2').waitFor();
    await page.keyboard.press('j');
    await page.getByText('2 of 2').waitFor();
    expect(page.url()).toContain(ids[1]);
  });

  test('uploads a file in parts, and deletes it with a way back', async () => {
    const { id } = await newCustomer();
    await show(`/customers/${id}`);
    const buffer = Buffer.alloc(2_500_000, 'drawing');
    await page.setInputFiles('input[type=file]', { name: 'drawing.txt', mimeType: 'text/plain', buffer });
    await page.getByRole('button', { name: 'drawing.txt', exact: true }).waitFor();
    const { files } = await workspace.api<{ files: Json[] }>('GET', `/v1/files?record=customers/${id}`);
    expect(files).toMatchObject([{ name: 'drawing.txt', sizeBytes: 2_500_000 }]);
    await page.getByRole('button', { name: 'Delete drawing.txt' }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'drawing.txt', exact: true }).waitFor();
  });

  test('offers what the status of a lead asks for as a button', async () => {
    const { id: customerId } = await workspace.api('POST', '/v1/customers', { kind: 'PERSON', displayName: 'Grace' });
    const path = `/leads/${String((await workspace.api('POST', '/v1/leads', { customerId }))['id'])}`;
    await goTo(page, path);
    await page.getByRole('button', { name: 'Qualify lead' }).waitFor();
    await workspace.api('POST', `/v1${path}:disqualify`, { reason: 'no budget' });
    await page.getByRole('button', { name: 'Reopen lead' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Reopen lead' }).click();
    await page.getByRole('button', { name: 'Qualify lead' }).waitFor();
    expect(await workspace.api('GET', `/v1${path}`)).toMatchObject({ status: 'WORKING' });
    const stages = [{ key: 'open', name: 'Open', kind: 'OPEN', probability: 50 }];
    const { id: pipelineId } = await workspace.api('POST', '/v1/pipelines', { name: 'Fair', stages });
    await workspace.api('POST', `/v1${path}:qualify`, { deal: { title: 'Theta', pipelineId } });
    await page.getByRole('button', { name: 'Qualify lead' }).waitFor({ state: 'detached' });
  });

  test('offers no step without the permission for it', async () => {
    const { id } = await workspace.api('POST', '/v1/tasks', { subject: 'Call Ada' });
    await goTo(page, `/tasks/${String(id)}`);
    await page.getByRole('button', { name: 'Complete task' }).waitFor();
    const reader = await workspace.open(`/tasks/${String(id)}`, await workspace.person(['read-only']));
    await reader.getByRole('heading', { name: 'Call Ada' }).waitFor();
    expect(await reader.getByRole('button', { name: 'Complete task' }).count()).toBe(0);
  });
});

describe('the form of a new record', () => {
  test('checks what was filled in before it is sent, and opens the record that it makes', async () => {
    await show('/customers/new');
    const form = page.locator('#main');
    await form.getByLabel('Country code').waitFor({ state: 'detached' });
    await form.getByRole('button', { name: /^Select an item Kind/ }).click();
    await page.getByRole('option', { name: 'Person' }).click();
    await form.getByLabel('Given name').fill('Ada');
    await form.getByRole('button', { name: 'Add' }).first().click();
    await form.getByLabel('Address').fill('nowhere');
    await form.getByLabel('Given name').focus();
    await form.getByText('must be an e-mail address.').waitFor();
    await form.getByLabel('Address').fill('ada@example.com');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.waitForURL(/\/customers\/[\da-f-]{36}$/);
    await page.getByRole('heading', { level: 1, name: 'Ada' }).waitFor();
  });

  test('makes a mailbox without a server, which shows how its mails are handed over', async () => {
    await show('/mailboxes/new');
    const form = page.locator('#main');
    await form.getByLabel(/^Address/).fill('desk@kestrel.example');
    await form.getByRole('button', { name: /^Select an item Kind/ }).click();
    await page.getByRole('option', { name: 'API' }).click();
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText(':receive?deliveryId=').waitFor();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    expect(await page.getByRole('button', { name: 'Compare with the server' }).count()).toBe(0);
    const { mailboxes } = await workspace.api<{ mailboxes: Json[] }>('GET', '/v1/mailboxes');
    expect(mailboxes).toMatchObject([{ address: 'desk@kestrel.example', kind: 'API' }]);
  });
});

describe('the playground', () => {
  test('sends an operation, and shows what came back with how to send it elsewhere', async () => {
    const { id } = await newCustomer();
    await show('/operations');
    await page.keyboard.press('/');
    await page.keyboard.type('batch get customers');
    await page.getByRole('link', { name: /Batch get customers/ }).click();
    await page.getByText('optional parameters').waitFor();
    await page.getByRole('textbox', { name: /^Ids/ }).fill(id);
    await page.getByRole('button', { name: /^Send/ }).click();
    const answer = page.getByRole('region', { name: 'Answer' });
    await answer.getByText('200', { exact: true }).waitFor();
    await answer.getByText('Käthe Weiß').waitFor();
    const snippet = page.locator('pre', { hasText: 'curl' });
    expect(await snippet.innerText()).toContain(`/v1/customers:batchGet?ids=${id}`);
    await page.getByRole('radio', { name: 'TypeScript' }).click();
    await page.getByText('await rapport.customers.batchGet').waitFor();
  });
});

describe('a running operation', () => {
  test('shows what became of the rows, and undoes them', async () => {
    const { id } = await workspace.api<{ id: string }>('POST', '/v1/imports', { contentType: 'text/csv' });
    const status = await page.evaluate(async (importId) => {
      const body = 'display_name,email\nIda Holm,ida@example.com\nJon,no address\n';
      const headers = { 'Rapport-Console': '1', 'Content-Type': 'text/csv' };
      return (await fetch(`/v1/imports/${importId}/file`, { method: 'PUT', headers, body })).status;
    }, id);
    expect(status).toBe(200);
    await show(`/operations/${id}`);
    await page.getByText('1 created, 1 failed').waitFor();
    await page.getByRole('button', { name: /^Issues/ }).click();
    await page.getByText('Line 3').first().waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('1 undone').waitFor();
  });
});

async function newCustomer(tag = 'plain'): Promise<{ id: string; emails: Json[] }> {
  return workspace.api('POST', '/v1/customers', {
    kind: 'PERSON',
    givenName: 'Käthe',
    familyName: 'Weiß',
    jobTitle: 'Engineer',
    emails: [{ address: `${crypto.randomUUID()}@example.com` }],
    tags: [tag],
  });
}

function read(id: string): Promise<Json> {
  return workspace.api('GET', `/v1/customers/${id}`);
}

function show(path: string): Promise<void> {
  return goTo(page, path);
}

function fields() {
  return page.getByRole('region', { name: 'Fields' });
}

async function editField(name: RegExp): Promise<void> {
  // By key: what loads above it moves the button under the pointer.
  await fields().getByRole('button', { name }).press('Enter');
}
