import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultsOf, goTo, Workspace } from './workspace.ts';

let workspace: Workspace;

beforeAll(async () => {
  workspace = await Workspace.create();
});

afterAll(() => workspace.close());

test('a policy is written as a table, simulated and activated, and its clocks tick in the inbox', async () => {
  const weekly = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'].map((day) => ({
    ...{ day, opens: '00:00', closes: '24:00' },
  }));
  const calendar = await workspace.api('POST', '/v1/calendars', { name: 'Always', timeZone: 'UTC', weekly });
  const targets = [{ metric: 'FIRST_RESPONSE', withinSeconds: 14_400, clock: 'BUSINESS' }];
  const policy = await workspace.api('POST', '/v1/slaPolicies', {
    ...{ key: 'gold', name: 'Gold', calendarId: calendar['id'], targets },
  });
  const path = `/v1/slaPolicies/${String(policy['id'])}`;
  const page = await workspace.open('/');
  const faults = faultsOf(page);
  await goTo(page, `/slaPolicies/${String(policy['id'])}/targets`);
  const cell = (name: string) => page.getByRole('textbox', { name, exact: true });
  expect(await cell('First response, Others').inputValue()).toBe('4h');
  await cell('First response, Urgent').fill('half an hour');
  await cell('First response, Urgent').press('Tab');
  await page.getByText('Such as 4h', { exact: true }).waitFor();
  await cell('First response, Urgent').fill('4m 30s');
  await cell('First response, Urgent').press('Tab');
  await page.keyboard.press('ControlOrMeta+Enter');
  await page.getByText('Gold saved').waitFor();
  expect(await workspace.api('GET', path)).toMatchObject({
    targets: [targets[0], { metric: 'FIRST_RESPONSE', priority: 'URGENT', withinSeconds: 270, clock: 'BUSINESS' }],
  });

  await page.getByRole('button', { name: 'Simulate' }).press('Enter');
  await page.getByRole('region', { name: 'What it would have made' }).getByText('0 tickets').waitFor();
  await page.getByRole('button', { name: 'Activate' }).press('Enter');
  await page.getByText('0 of 0 open tickets change').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Activate' }).press('Enter');
  await page.getByText('Active, v1').waitFor();

  const customer = await workspace.api('POST', '/v1/customers', { kind: 'PERSON', displayName: 'Ada Lovelace' });
  const { id } = await workspace.api('POST', '/v1/tickets', {
    ...{ subject: 'It drifts', customerId: customer['id'], priority: 'URGENT' },
  });
  await goTo(page, `/inbox?ticket=${String(id)}`);
  const clock = page.getByRole('list', { name: 'SLA timers' }).getByText(/sec left/);
  const first = await clock.innerText();
  await expect.poll(() => clock.innerText()).not.toBe(first);
  expect(faults).toEqual([]);
});
