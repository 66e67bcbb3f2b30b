import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultsOf, goTo, Workspace, type Json } from './workspace.ts';

let workspace: Workspace;
let page: Page;
let faults: string[];

beforeAll(async () => {
  workspace = await Workspace.create();
  page = await workspace.open('/');
  faults = faultsOf(page);
});

afterAll(async () => {
  expect(faults).toEqual([]);
  await workspace.close();
});

async function customer(displayName: string, more: Json = {}): Promise<string> {
  const emails = [{ address: `${crypto.randomUUID()}@example.com` }];
  const { id } = await workspace.api('POST', '/v1/customers', { kind: 'PERSON', displayName, emails, ...more });
  return String(id);
}

async function topic(): Promise<void> {
  await workspace.api('POST', '/v1/topics', {
    key: 'newsletter',
    name: 'Newsletter',
    legalBasis: 'LEGITIMATE_INTERESTS',
  });
}

test('a segment is written in rows by keyboard, counted while it is written, saved and verified', async () => {
  await customer('Ada Lovelace', { jobTitle: 'Engineer' });
  await customer('Grace Hopper', { jobTitle: 'Admiral' });
  await goTo(page, '/segments/new');
  await page.getByLabel(/^Name/).fill('Engineers of the house');
  await page.getByRole('button', { name: 'Add condition' }).press('Enter');
  const row = page.getByRole('group', { name: 'Filter' }).getByRole('group').first();
  const field = row.getByRole('combobox', { name: 'Field' });
  await field.fill('Job');
  await page.getByRole('option', { name: 'Job title', exact: true }).waitFor();
  await field.press('ArrowDown');
  await field.press('Enter');
  await row.getByRole('textbox', { name: 'Value' }).fill('Engineer');
  const preview = page.getByRole('complementary', { name: 'Preview' });
  await preview.getByText('1 customer', { exact: true }).waitFor();
  await preview.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
  await page.keyboard.press('ControlOrMeta+Enter');
  await page.getByText('Engineers of the house saved').waitFor();
  await page.getByRole('main').getByText('Live', { exact: true }).waitFor();

  await page.getByRole('button', { name: 'Verify' }).press('Enter');
  await page.getByText('Stored and true members are equal: 1').waitFor();
  const { segments } = await workspace.api<{ segments: Json[] }>('GET', '/v1/segments');
  expect(segments).toMatchObject([{ key: 'engineers_of_the_house', kind: 'DYNAMIC', filter: 'jobTitle = Engineer' }]);
});

test('a filter that rows cannot say stays text, and a fault of it is said where it is', async () => {
  const filter = '(jobTitle = Engineer OR tags = vip) AND lifecycleStage = LEAD';
  const { id } = await workspace.api('POST', '/v1/segments', { key: 'nested', name: 'Nested', filter });
  // A page of its own: the browser reports the answers to the faulty filter as errors.
  const faulty = await workspace.open(`/segments/${String(id)}/definition`);
  const text = faulty.getByRole('combobox', { name: 'Filter' });
  expect(await text.inputValue()).toBe(filter);
  await text.fill('jobTitle >');
  await text.press('Enter');
  await faulty.getByRole('complementary', { name: 'Preview' }).getByRole('alert').waitFor();
});

test('a campaign is checked, previewed as a recipient, started by mouse, and accounted for', async () => {
  const ada = await customer('Katherine Johnson');
  await topic();
  const segment = await workspace.api('POST', '/v1/segments', { key: 'fair', name: 'Fair', kind: 'STATIC' });
  await workspace.api('POST', `/v1/segments/${String(segment['id'])}:addMembers`, { customerIds: [ada] });
  const relay = await workspace.api('POST', '/v1/relays', { name: 'Office', host: 'smtp.example.com' });
  await workspace.api('POST', '/v1/mailboxes', {
    ...{ address: 'hello@kestrel.example', displayName: 'Kestrel', kind: 'SEND_ONLY', relayId: relay['id'] },
  });
  const template = await workspace.api('POST', '/v1/templates', {
    ...{ key: 'spring', name: 'Spring', kind: 'EMAIL', format: 'HTML', subject: 'Spring is here' },
    body: '<p>Dear {{ customer.displayName }}</p>',
  });
  await goTo(page, '/campaigns/new');
  await page.getByLabel(/^Name/).fill('Spring catalogue');
  const choose = async (label: RegExp, option: string) => {
    await page.getByRole('button', { name: label }).click();
    await page.getByRole('option', { name: option, exact: true }).click();
  };
  await page.getByLabel('Days in which conversions count').fill('30');
  await choose(/Topic/, 'Newsletter');
  await choose(/Mailbox/, 'Kestrel');
  await choose(/^Add Segments/, 'Fair');
  await choose(/Template/, 'Spring');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Spring catalogue saved').waitFor();
  const checks = page.getByRole('region', { name: 'Before it starts' });
  await checks.getByText('A: Spring is not published').waitFor();
  expect(await page.getByRole('button', { name: 'Start…' }).isDisabled()).toBe(true);

  await workspace.api('POST', `/v1/templates/${String(template['id'])}:publish`);
  await checks.getByText('A: Spring', { exact: true }).waitFor();
  await checks.getByText('1 person in the audience').waitFor();
  const mail = page.getByRole('region', { name: 'Preview' });
  await mail.getByText('Spring is here').waitFor();
  await mail.frameLocator('iframe').getByText('Dear Katherine Johnson').waitFor();
  const { campaigns } = await workspace.api<{ campaigns: Json[] }>('GET', '/v1/campaigns');
  expect(campaigns).toMatchObject([{ name: 'Spring catalogue', conversionDays: 30 }]);
  await mail.getByRole('button', { name: 'Send test' }).click();
  await page.getByRole('dialog').getByRole('button', { name: /test/i }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  const { messages } = await workspace.api<{ messages: Json[] }>('GET', '/v1/messages');
  expect(messages).toMatchObject([{ subject: '[a] Spring is here', toAddresses: [] }]);
  await page.getByRole('button', { name: 'Start…' }).click();
  await page.getByRole('dialog').getByText('about 1 person').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Send now' }).click();
  await page.getByText('of 1 recipient').waitFor();
  await page.getByRole('button', { name: 'Account' }).click();
  await page.getByText('Every one of 1 members is in exactly one state').waitFor();
  await page.getByRole('grid', { name: 'Recipients' }).getByText('Katherine Johnson').waitFor();
});

test('a form gets fields by keyboard, is shown as visitors see it, and is published', async () => {
  await goTo(page, '/forms/new');
  await page.getByLabel(/^Name/).first().fill('Sign up');
  await page.getByRole('button', { name: 'Add field' }).press('Enter');
  const lines = page.getByRole('list', { name: 'Fields' }).getByRole('listitem');
  await lines.nth(1).getByLabel('Label').fill('Your company');
  await lines.nth(1).getByLabel('Label').press('Alt+ArrowUp');
  await expect.poll(() => lines.first().getByLabel('Label').inputValue()).toBe('Your company');
  const preview = page.getByRole('region', { name: 'Preview' });
  await preview.getByText('Your company').waitFor();
  await page.keyboard.press('ControlOrMeta+Enter');
  await page.getByText('Sign up saved').waitFor();
  await page.getByRole('button', { name: 'Publish' }).press('Enter');
  await page.getByText('Active', { exact: true }).waitFor();

  const { forms } = await workspace.api<{ forms: Json[] }>('GET', '/v1/forms');
  expect(forms).toMatchObject([
    { key: 'sign_up', state: 'ACTIVE', fields: [{ key: 'your_company' }, { key: 'email', customerField: 'email' }] },
  ]);
});

test('a topic and a delivery limit are made by keyboard, with faults at their fields, and are listed', async () => {
  const faulty = await workspace.open('/topics/new');
  await faulty.getByLabel(/^Key/).first().fill('Product news');
  await faulty.getByLabel(/^Name/).first().fill('Product news');
  await faulty.keyboard.press('ControlOrMeta+Enter');
  await expect.poll(() => faulty.getByLabel(/^Key/).first().getAttribute('aria-invalid')).toBe('true');
  await faulty.getByLabel(/^Key/).first().fill('product_news');
  await faulty.keyboard.press('ControlOrMeta+Enter');
  await faulty.getByRole('heading', { name: 'Product news' }).waitFor();
  await goTo(page, '/topics');
  await page.getByRole('row', { name: /Product news/ }).waitFor();

  await goTo(page, '/deliveryLimits/new');
  await page.getByLabel(/^Match/).fill('mail.example');
  await page.getByLabel(/^Connections/).fill('2');
  await page.keyboard.press('ControlOrMeta+Enter');
  await page.waitForURL(/\/deliveryLimits\/[0-9a-f-]{36}$/);
  await goTo(page, '/deliveryLimits');
  await page
    .getByRole('row', { name: /mail\.example/ })
    .getByText('Open', { exact: true })
    .waitFor();
  const { deliveryLimits } = await workspace.api<{ deliveryLimits: Json[] }>('GET', '/v1/deliveryLimits');
  expect(deliveryLimits).toMatchObject([{ match: 'mail.example', connections: 2, state: 'OPEN' }]);
});

test('the DNS records of a relay are checked where it is shown, and what is wrong is said of each', async () => {
  const dkim = { domain: 'kestrel.example' };
  const { id } = await workspace.api('POST', '/v1/relays', { name: 'Bulk', host: '127.0.0.1', dkim });
  await goTo(page, `/relays/${String(id)}`);
  await page.getByRole('button', { name: 'Check DNS' }).press('Enter');
  const domain = page.getByRole('region', { name: 'kestrel.example' });
  await domain.getByText('The relay has no active key: messages are not signed here.').waitFor();
  for (const kind of ['SPF', 'DKIM', 'Next DKIM key', 'DMARC']) {
    await domain.getByText(kind, { exact: true }).waitFor();
  }
});

test('the won amount is divided by each model beside each other, and the shares add up to it', async () => {
  const emails = [{ address: 'mary@example.com' }];
  const mary = await customer('Mary Jackson', { emails });
  const { token } = await workspace.api('POST', '/v1/forms', {
    ...{ key: 'visit', name: 'Visit', state: 'ACTIVE', proof: 'NONE' },
    fields: [{ key: 'email', label: 'E-mail', isRequired: true, customerField: 'email' }],
  });
  const body = new URLSearchParams({ email: 'mary@example.com' });
  await fetch(`${new URL(page.url()).origin}/f/${String(token)}`, { method: 'POST', body });
  const touched = async () => (await workspace.api<{ touchpoints: Json[] }>('GET', '/v1/touchpoints')).touchpoints;
  await expect.poll(touched, { timeout: 20_000 }).toMatchObject([{ customerId: mary, kind: 'FORM' }]);
  const stages = ['due', 'won'].map((key) => ({ key, name: key, kind: key === 'won' ? 'WON' : 'OPEN' }));
  const { id: pipelineId } = await workspace.api('POST', '/v1/pipelines', { name: 'Sales', stages });
  const win = async (customerId: string, amount: string) => {
    const money = { amount, currencyCode: 'USD' };
    const deal = { title: 'Sensors', pipelineId, stage: 'due', customerId, amount: money };
    const { id } = await workspace.api('POST', '/v1/deals', deal);
    await workspace.api('POST', `/v1/deals/${String(id)}:move`, { stage: 'won' });
  };
  await goTo(page, '/attribution');
  await page.getByRole('heading', { name: 'No deal was won in this time' }).waitFor();
  await win(mary, '100.01');
  await win(await customer('Dorothy Vaughan'), '20');
  await goTo(page, '/campaigns');
  await goTo(page, '/attribution?range=30&by=CAMPAIGN');
  expect(await page.getByRole('radio', { name: '30 days' }).isChecked()).toBe(true);
  await page.getByRole('radio', { name: 'Form' }).press('Space');

  const row = (name: string | RegExp) => page.getByRole('row', { name }).getByRole('cell').allInnerTexts();
  await page.getByRole('link', { name: 'Visit' }).waitFor();
  expect(await row(/^Visit/)).toEqual(Array.from({ length: 5 }, () => '$100.01'));
  expect(await row(/^Without touchpoints/)).toEqual(Array.from({ length: 5 }, () => '$20'));
  expect(await row(/^Won/)).toEqual(Array.from({ length: 5 }, () => '$120.01'));
});

test('a customer names its segments and opens one, whose members are names', async () => {
  const id = await customer('Rosalind Franklin');
  const segment = await workspace.api('POST', '/v1/segments', { key: 'crystals', name: 'Crystals', kind: 'STATIC' });
  await workspace.api('POST', `/v1/segments/${String(segment['id'])}:addMembers`, { customerIds: [id] });
  const own = await workspace.open(`/customers/${id}`);
  const related = own.getByRole('region', { name: 'Related' });
  await related.getByRole('heading', { name: 'Segments', exact: true }).waitFor();
  await related.getByRole('link', { name: 'Crystals' }).click();
  await own.waitForURL(`**/segments/${String(segment['id'])}/definition`);

  await goTo(own, `/segmentMembers?filter=${encodeURIComponent(`segmentId = ${String(segment['id'])}`)}`);
  await own.getByRole('row').getByRole('link', { name: 'Rosalind Franklin' }).waitFor();
});

test('the list of articles shows their states, and neither text nor path', async () => {
  await workspace.api('POST', '/v1/articles', {
    title: 'Zero point',
    slug: 'zero',
    locale: 'en',
    markdown: 'Press it.',
  });
  const own = await workspace.open('/articles');
  await own.getByRole('row', { name: /Zero point/ }).waitFor();
  const heads = await own.getByRole('columnheader').allInnerTexts();
  expect(heads).toEqual(expect.arrayContaining(['State', 'Updated']));
  expect(heads).not.toContain('Markdown');
  expect(heads).not.toContain('Path');
});
