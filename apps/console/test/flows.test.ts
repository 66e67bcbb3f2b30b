import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultsOf, goTo, Workspace, type Json } from './workspace.ts';

let workspace: Workspace;
let page: Page;
let faults: string[];
let userId: string;

beforeAll(async () => {
  workspace = await Workspace.create();
  const person = await workspace.person();
  userId = person.id;
  page = await workspace.open('/', person);
  faults = faultsOf(page);
});

afterAll(async () => {
  expect(faults).toEqual([]);
  await workspace.close();
});

/** A published flow for customers that is started by hand. */
async function published(key: string, steps: Json[]): Promise<string> {
  const definition = { trigger: { manual: { type: 'customer' } }, steps };
  const { id } = await workspace.api('POST', '/v1/flows', { key, name: key, definition });
  await workspace.api('POST', `/v1/flows/${String(id)}:publish`);
  return String(id);
}

async function runFor(flow: string, name: string): Promise<string> {
  const customer = await workspace.api('POST', '/v1/customers', { kind: 'PERSON', displayName: name });
  const { id } = await workspace.api('POST', `/v1/flows/${flow}:run`, { recordId: customer['id'] });
  return String(id);
}

test('a flow is made of a template, changed by keyboard, checked while it is written, and published', async () => {
  await goTo(page, '/flows/new');
  await page.getByRole('button', { name: /Empty flow/ }).press('Enter');
  const list = page.getByRole('grid', { name: 'Steps' });
  await list.getByRole('row', { name: 'Add a task' }).click();
  const title = page.getByLabel(/^Subject/);
  const misspelt = "'Call ' + record.displayNam";
  await title.fill(misspelt);
  await page.getByText('No such key: displayNam').waitFor();
  // The row that was clicked may take the focus back once, which closes the completions.
  const completed = async () => {
    await title.fill('');
    await title.fill(misspelt);
    await title.press('Enter');
    return title.inputValue();
  };
  await expect.poll(completed).toBe("'Call ' + record.displayName");
  await page.getByText('No such key').waitFor({ state: 'detached' });

  await page.getByRole('button', { name: 'Add step' }).press('Enter');
  await page.getByRole('menuitem', { name: 'Wait', exact: true }).press('Enter');
  await list.getByRole('row', { name: 'Wait' }).focus();
  await page.keyboard.press('Alt+ArrowUp');
  const rows = async () => (await list.getByRole('row').allInnerTexts()).join(' ').replaceAll(/\s+/g, ' ');
  await expect.poll(rows).toMatch(/^By hand .*Wait 1 day Add a task .*Rules/);
  await page.keyboard.press('ControlOrMeta+Enter');
  await page.getByText('Empty flow saved').waitFor();
  await page.getByRole('button', { name: 'Publish' }).press('Enter');
  await page.getByText('Active, v1').waitFor();

  const { flows } = await workspace.api<{ flows: Json[] }>('GET', '/v1/flows');
  expect(flows).toMatchObject([
    {
      state: 'ACTIVE',
      definition: { steps: [{ wait: { seconds: 86_400 } }, { addTask: { subject: "'Call ' + record.displayName" } }] },
    },
  ]);
});

test('a flow that other systems start gets its address, which is shown once', async () => {
  const definition = { trigger: { webhook: {} }, steps: [{ key: 'stop', raise: { code: 'STOPPED' } }] };
  const { id } = await workspace.api('POST', '/v1/flows', { key: 'called', name: 'Called', definition });
  await workspace.api('POST', `/v1/flows/${String(id)}:publish`);
  await goTo(page, `/flows/${String(id)}`);
  await page.getByRole('button', { name: 'New address' }).press('Enter');
  await page.getByRole('dialog').getByRole('button', { name: 'New address' }).press('Enter');
  const address = page.getByRole('textbox', { name: 'Address' });
  await address.waitFor();

  const called = await fetch(await address.inputValue(), { method: 'POST', body: '{}' });
  expect(called.status).toBe(202);
  await goTo(page, '/flows');
  await goTo(page, `/flows/${String(id)}`);
  await page.getByRole('button', { name: 'New address' }).waitFor();
  expect(await address.count()).toBe(0);
});

test('a branch of a switch gets a step by mouse', async () => {
  const { id } = await workspace.api('POST', '/v1/flows', {
    key: 'choose',
    name: 'Choose',
    definition: {
      trigger: { manual: {} },
      steps: [{ key: 'choose', switch: { cases: [{ condition: 'now > now', steps: [] }] } }],
    },
  });
  await goTo(page, `/flows/${String(id)}`);
  await page.getByRole('row', { name: 'Otherwise' }).click();
  await page.getByRole('button', { name: 'Add step' }).click();
  await page.getByRole('menuitem', { name: 'Fail' }).click();
  await page.getByLabel('Code', { exact: false }).first().fill('NOT_NOW');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Choose saved').waitFor();

  const flow = await workspace.api('GET', `/v1/flows/${String(id)}`);
  expect(flow).toMatchObject({ definition: { steps: [{ switch: { otherwise: [{ raise: { code: 'NOT_NOW' } }] } }] } });
});

test('a new name leaves the steps that another user has changed since', async () => {
  const definition = { trigger: { manual: {} }, steps: [{ key: 'rest', wait: { seconds: 60 } }] };
  const { id } = await workspace.api('POST', '/v1/flows', { key: 'shared', name: 'Shared', definition });
  const path = `/v1/flows/${String(id)}`;
  await goTo(page, `/flows/${String(id)}`);
  await page.getByLabel('Name', { exact: false }).first().fill('Shared by two');
  const steps = [{ key: 'rest', wait: { seconds: 7_200 } }];
  await workspace.api('PATCH', path, { definition: { ...definition, steps } });
  await page.keyboard.press('ControlOrMeta+Enter');
  await page.getByText('Shared by two saved').waitFor();

  expect(await workspace.api('GET', path)).toMatchObject({ name: 'Shared by two', definition: { steps } });
  // The first try is refused, unless the page has heard of the change by then.
  const refusal = faults.findIndex((fault) => fault.includes('status of 412'));
  if (refusal !== -1) faults.splice(refusal, 1);
});

test('a failed run says which step failed and with what, and is cancelled or repeated from there', async () => {
  const flow = await published('failing', [
    { key: 'greet', set: { variables: [{ name: 'greeting', value: "'Dear ' + record.displayName" }] } },
    { key: 'stop', raise: { code: 'NO_OWNER', message: "'Nobody owns ' + record.displayName" } },
  ]);
  const run = await runFor(flow, 'Ada Lovelace');
  await goTo(page, `/flowRuns/${run}`);
  await page.getByText('Nobody owns Ada Lovelace').first().waitFor();
  await page.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
  await page.getByText('greet', { exact: true }).click();
  await page.getByText('Dear Ada Lovelace').first().waitFor();

  await page.getByRole('button', { name: 'Skip step' }).click();
  await page.getByText('Succeeded').first().waitFor();
});

test('an approval is answered in the inbox, and its run continues', async () => {
  const flow = await published('discount', [
    { key: 'ask', approve: { question: "'A discount for ' + record.displayName + '?'", approverIds: [userId] } },
  ]);
  const run = await runFor(flow, 'Grace Hopper');
  await page.getByRole('button', { name: 'Notifications, 1 unread' }).waitFor();
  await goTo(page, '/my-approvals');
  await page.getByText('A discount for Grace Hopper?').waitFor();
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByRole('dialog').getByLabel('Comment').fill('Once.');
  await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
  await page.getByText('No question waits for you').waitFor();

  await expect.poll(async () => (await workspace.api('GET', `/v1/flowRuns/${run}`))['state']).toBe('SUCCEEDED');
  const { steps } = await workspace.api<{ steps: Json[] }>('GET', `/v1/flowRuns/${run}/steps`);
  expect(steps).toMatchObject([{ key: 'ask', output: { decision: 'APPROVED', comment: 'Once.' } }]);

  const { approvals } = await workspace.api<{ approvals: Json[] }>('GET', '/v1/approvals?states=APPROVED');
  await goTo(page, `/approvals/${String(approvals[0]?.['id'])}`);
  await page.locator('#main').getByRole('link', { name: 'Mara Lindqvist' }).first().waitFor();
  expect(await page.locator('#main').textContent()).not.toContain(userId);
});

test('a customer is enrolled in a sequence, seen at its step, paused and taken out', async () => {
  const { id } = await workspace.api('POST', '/v1/flows', {
    key: 'follow_up',
    name: 'Follow up',
    definition: {
      kind: 'SEQUENCE',
      trigger: { manual: { type: 'customer' } },
      steps: [{ key: 'pause', name: 'Two quiet days', wait: { seconds: 172_800 } }],
    },
  });
  await workspace.api('POST', `/v1/flows/${String(id)}:publish`);
  await workspace.api('POST', '/v1/customers', { kind: 'PERSON', displayName: 'Mary Somerville' });
  await goTo(page, `/flows/${String(id)}`);
  await page.getByRole('button', { name: 'Customers', exact: true }).press('Enter');
  const panel = page.getByRole('region', { name: 'Customers' });
  await panel.getByText('No customer is in it.').waitFor();
  const enroll = async () => {
    await panel.getByRole('combobox', { name: 'Enroll customers' }).fill('Mary Som');
    await page.getByRole('option', { name: 'Mary Somerville' }).click();
  };
  await enroll();
  const entry = panel.getByRole('listitem').filter({ has: page.getByRole('link', { name: 'Mary Somerville' }) });
  await entry.getByRole('link', { name: 'Two quiet days' }).waitFor();
  await entry.getByText('Active').waitFor();
  await enroll();
  await panel.getByText('This customer is in it.').waitFor();

  await entry.getByRole('button', { name: 'Pause' }).press('Enter');
  await entry.getByText('Paused').waitFor();
  await entry.getByRole('button', { name: 'Exit' }).press('Enter');
  await panel.getByText('No customer is in it.').waitFor();
  await panel.getByRole('radio', { name: 'Left' }).press('Enter');
  await entry.getByText('Manual').waitFor();
});

test('a trial shows what a draft would have done, and does nothing', async () => {
  const { id } = await workspace.api('POST', '/v1/flows', {
    key: 'trial',
    name: 'Trial',
    definition: {
      trigger: { record: { type: 'customer', operations: ['CREATE'] } },
      steps: [{ key: 'call', addTask: { subject: "'Call ' + record.displayName" } }],
    },
  });
  await workspace.api('POST', '/v1/customers', { kind: 'PERSON', displayName: 'Katherine Johnson' });
  await goTo(page, `/flows/${String(id)}`);
  await page.getByRole('button', { name: 'Try' }).click();
  const report = page.getByRole('region', { name: /What it would have done/ });
  const trial = report.locator('details', { has: page.getByRole('link', { name: 'Katherine Johnson' }) });
  await trial.getByText('Succeeded').first().click();
  await trial.getByText('call', { exact: true }).click();
  await trial.getByText('Call Katherine Johnson').first().waitFor();

  const { tasks } = await workspace.api<{ tasks: Json[] }>('GET', '/v1/tasks');
  expect(tasks.filter(({ subject }) => String(subject).includes('Katherine'))).toEqual([]);
});

test('a flow that is started by hand is tried with a record and its inputs', async () => {
  const { id } = await workspace.api('POST', '/v1/flows', {
    key: 'by_hand',
    name: 'By hand',
    definition: {
      trigger: {
        manual: { type: 'customer', inputs: [{ key: 'reason', type: 'TEXT', name: 'Reason', required: true }] },
      },
      condition: "record.displayName != 'Nobody'",
      steps: [{ key: 'call', addTask: { subject: "'Call ' + record.displayName + ': ' + input.reason" } }],
    },
  });
  for (const displayName of ['Emmy Noether', 'Nobody'])
    await workspace.api('POST', '/v1/customers', { kind: 'PERSON', displayName });
  await goTo(page, `/flows/${String(id)}`);
  await page.getByRole('button', { name: 'Try' }).click();
  const report = page.getByRole('region', { name: 'What it would do' });
  const choose = async (name: string) => {
    await report.getByRole('combobox', { name: 'Customer *' }).fill(name);
    await page.getByRole('option', { name }).click();
  };
  await choose('Emmy Noether');
  await report.getByLabel('Reason *').fill('price');
  await report.getByRole('button', { name: 'Try' }).click();
  await report.locator('summary').filter({ hasText: 'Emmy Noether' }).click();
  await report.getByText('call', { exact: true }).click();
  await report.getByText('Call Emmy Noether: price').first().waitFor();

  await choose('Nobody');
  await report.getByRole('button', { name: 'Try' }).click();
  await report.getByText('It would not start: its condition is not met.').waitFor();
});

test('a flow of a custom object is tried with a record that is found by its name', async () => {
  await workspace.api('POST', '/v1/customObjects', {
    key: 'sensor',
    displayName: 'Sensor',
    displayNamePlural: 'Sensors',
  });
  await workspace.api('POST', '/v1/objects/sensor/records', { name: 'Probe of hall 4' });
  const { id } = await workspace.api('POST', '/v1/flows', {
    key: 'of_sensors',
    name: 'Of sensors',
    definition: {
      trigger: { manual: { type: 'objectRecord/sensor' } },
      steps: [{ key: 'call', addTask: { subject: "'Check ' + record.name" } }],
    },
  });
  await goTo(page, `/flows/${String(id)}`);
  await page.getByRole('button', { name: 'Try' }).click();
  const report = page.getByRole('region', { name: 'What it would do' });

  await report.getByRole('combobox').fill('hall 4');
  await page.getByRole('option', { name: 'Probe of hall 4' }).click();
  expect(await report.getByRole('combobox').inputValue()).toBe('Probe of hall 4');
  await report.getByRole('button', { name: 'Try' }).click();

  await report.locator('summary').filter({ hasText: 'Probe of hall 4' }).click();
  await report.getByText('call', { exact: true }).click();
  await report.getByText('Check Probe of hall 4').first().waitFor();
});
