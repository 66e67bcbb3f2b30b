import type { Page, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { goTo, Workspace, type Json } from './workspace.ts';

let workspace: Workspace;
let page: Page;

beforeAll(async () => {
  workspace = await Workspace.create();
  page = await workspace.open('/');
});

afterEach(() => page.unrouteAll({ behavior: 'ignoreErrors' }));

afterAll(() => workspace.close());

interface Held {
  /** How many calls came. */
  count: () => number;
  /** Sends those that came, and later ones. */
  release: () => void;
}

/** Holds calls without parameters on their way to the server. @param path the end of their paths, such as `:move` */
async function hold(method: string, path: string): Promise<Held> {
  let release = () => {};
  let count = 0;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(
    (url) => url.pathname.endsWith(path) && url.search === '',
    async (route: Route) => {
      if (route.request().method() !== method) return route.fallback();
      count += 1;
      await released;
      await route.continue();
    },
  );
  return { count: () => count, release };
}

/** Types the subject into the form of a new task. The screen before may have a text to type into, too. */
async function beginTask(subject: string): Promise<void> {
  await goTo(page, '/tasks/new');
  await page.getByRole('heading', { name: 'New task' }).waitFor();
  await page.getByRole('textbox', { name: /^Subject/ }).fill(subject);
}

async function subjects(): Promise<unknown[]> {
  const { tasks } = await workspace.api<{ tasks: Json[] }>('GET', '/v1/tasks');
  return tasks.map(({ subject }) => subject);
}

test('a new record that is created by click and by key at once is created once', async () => {
  const { count, release } = await hold('POST', '/v1/tasks');
  await beginTask('Spindle');
  // Both before the form is drawn again.
  await page.getByRole('button', { name: 'Create' }).evaluate((button: HTMLElement) => {
    button.click();
    button.click();
  });
  await page.keyboard.press('ControlOrMeta+Enter');
  await expect.poll(count).toBe(1);
  release();
  await page.getByRole('heading', { name: 'Spindle', level: 1 }).waitFor();
  expect(count()).toBe(1);
  expect(await subjects()).toEqual(['Spindle']);
});

test('a new record whose answer was lost is not created again by the next try', async () => {
  await beginTask('Bearing');
  await page.evaluate(() => {
    const send = window.fetch;
    window.fetch = async (input, init) => {
      const answer = await send(input, init);
      if (input !== '/v1/tasks' || init?.method !== 'POST') return answer;
      window.fetch = send;
      throw new TypeError('The connection broke.');
    };
  });
  await page.keyboard.press('ControlOrMeta+Enter');
  await page.getByText('The server does not answer.').waitFor();
  expect(await subjects()).toContain('Bearing');
  await page.keyboard.press('ControlOrMeta+Enter');
  await page.getByRole('heading', { name: 'Bearing', level: 1 }).waitFor();
  expect((await subjects()).filter((subject) => subject === 'Bearing')).toHaveLength(1);
});

test('an undo that the server refuses is said', async () => {
  await workspace.api('POST', '/v1/tasks', { subject: 'Call Ada', ownerId: await userId(), dueDate: '2024-01-02' });
  const body = JSON.stringify({ status: 412, code: 'ETAG_MISMATCH', detail: 'Not now.' });
  await page.route('**/*:reopen', (route) =>
    route.fulfill({ status: 412, contentType: 'application/problem+json', body }),
  );
  await goTo(page, '/my-day');
  await page.getByRole('checkbox', { name: /Call Ada/ }).press('Space');
  await page
    .getByRole('alertdialog', { name: /Call Ada/ })
    .getByRole('button', { name: 'Undo' })
    .click();
  await page.getByRole('alertdialog').getByText('It has changed since it was shown.').waitFor();
});

test('a form keeps what is typed while it is saved, and saves that too', async () => {
  const { id } = await workspace.api('POST', '/v1/segments', { key: 'spring', name: 'Spring', filter: 'tags = vip' });
  await goTo(page, `/segments/${String(id)}/definition`);
  await page.getByLabel(/^Name/).fill('Spring fair');
  const { count, release } = await hold('PATCH', `/segments/${String(id)}`);
  await page.keyboard.press('ControlOrMeta+Enter');
  await expect.poll(count).toBe(1);
  await page.getByLabel(/^Name/).fill('Spring fair 2031');
  await page.getByLabel('Description').fill('Visitors');
  release();
  await page.getByText('Spring fair saved').waitFor();
  expect(await page.getByLabel(/^Name/).inputValue()).toBe('Spring fair 2031');
  await page.keyboard.press('ControlOrMeta+Enter');
  await page.getByText('Spring fair 2031 saved').waitFor();
  expect(await workspace.api('GET', `/v1/segments/${String(id)}`)).toMatchObject({
    ...{ name: 'Spring fair 2031', description: 'Visitors' },
  });
});

test('a button keeps the focus while what it does is under way, and does it again after a failure', async () => {
  const { id } = await workspace.api('POST', '/v1/segments', { key: 'winter', name: 'Winter', filter: 'tags = vip' });
  await goTo(page, `/segments/${String(id)}/definition`);
  await page.getByLabel(/^Name/).fill('Winter fair');
  const body = JSON.stringify({ status: 503, code: 'SERVICE_UNAVAILABLE', detail: 'Not now.' });
  let failures = 0;
  // Not a read of it, which follows the evaluation of its members.
  await page.route(`**/v1/segments/${String(id)}`, (route) => {
    if (route.request().method() !== 'PATCH' || failures > 0) return route.fallback();
    failures += 1;
    return route.fulfill({ status: 503, contentType: 'application/problem+json', body });
  });
  await page.getByRole('button', { name: 'Save' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('The service is not available just now.').waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('Winter fair saved').waitFor();
});

test('a form does not overwrite what someone else has saved since it was filled in, though it is shown already', async () => {
  const { id } = await workspace.api('POST', '/v1/segments', { key: 'autumn', name: 'Autumn', filter: 'tags = vip' });
  await goTo(page, `/segments/${String(id)}/definition`);
  await page.getByLabel(/^Name/).fill('Autumn fair');
  await workspace.api('PATCH', `/v1/segments/${String(id)}`, { name: 'Fall', description: 'Of the south' });
  await expect.poll(() => page.getByLabel('Description').inputValue()).toBe('Of the south');
  await page.keyboard.press('ControlOrMeta+Enter');
  await page.getByText('It has changed since it was shown.').waitFor();
  expect(await workspace.api('GET', `/v1/segments/${String(id)}`)).toMatchObject({ name: 'Fall' });
});

test('stages are ordered by two quick keys, the second before the first is saved', async () => {
  const stages = ['Due', 'Offered', 'Agreed', 'Won'].map((name) => ({
    ...{ key: name.toLowerCase(), name, kind: name === 'Won' ? 'WON' : 'OPEN', probability: 50 },
  }));
  const { id } = await workspace.api('POST', '/v1/pipelines', { name: 'Renewals', stages });
  await goTo(page, `/pipelines/${String(id)}/stages`);
  await page.getByRole('row', { name: 'Due' }).click();
  const { count, release } = await hold('POST', ':reorderStages');
  await page.keyboard.press('Alt+ArrowDown');
  await expect.poll(count).toBe(1);
  await page.keyboard.press('Alt+ArrowDown');
  await expect.poll(() => page.getByRole('row').nth(2).innerText()).toContain('Due');
  release();
  const order = async () => {
    const pipeline = await workspace.api<{ stages: Json[] }>('GET', `/v1/pipelines/${String(id)}`);
    return pipeline.stages.map(({ key }) => key);
  };
  await expect.poll(order).toEqual(['offered', 'agreed', 'due', 'won']);
  expect(await page.getByText('It has changed since it was shown.').count()).toBe(0);
});

test('entries of the calendar stay where they are dropped, one after the other, before the first is saved', async () => {
  const ownerId = await userId();
  const at = (hour: string) => ({
    startTime: `2027-07-14T${hour}:00Z`,
    endTime: `2027-07-14T${hour.slice(0, 2)}:30:00Z`,
  });
  const { id: one } = await workspace.api('POST', '/v1/meetings', { subject: 'Review', ownerId, ...at('13:00') });
  const { id: other } = await workspace.api('POST', '/v1/meetings', { subject: 'Lunch', ownerId, ...at('15:00') });
  await goTo(page, '/calendar?day=2027-07-14');
  const block = (name: string) => page.getByRole('button', { name: new RegExp(`Meeting, ${name}`) });
  const later = async (name: string) => {
    await block(name).focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    return block(name).innerText();
  };
  const before = await Promise.all(['Review', 'Lunch'].map((name) => block(name).innerText()));
  const { count, release } = await hold('PATCH', `/meetings/${String(one)}`);
  await page.keyboard.press('j');
  await later('Review');
  await expect.poll(count).toBe(1);
  await page.keyboard.press('j');
  await later('Lunch');
  const start = async (id: unknown) => (await workspace.api('GET', `/v1/meetings/${String(id)}`))['startTime'];
  await expect.poll(() => start(other)).toBe('2027-07-14T15:15:00.000Z');
  expect(await block('Review').innerText()).not.toBe(before[0]);
  await page.keyboard.press('k');
  await later('Review');
  release();
  await expect.poll(() => start(one)).toBe('2027-07-14T13:30:00.000Z');
  expect(await page.getByText(/was put back/).count()).toBe(0);
});

test('a ticket stays open while a note about it is typed, though someone else solves it', async () => {
  const { id: customerId } = await workspace.api('POST', '/v1/customers', { kind: 'PERSON', displayName: 'Grace' });
  const made = await Promise.all(
    ['It hums', 'It hisses'].map((subject) => workspace.api('POST', '/v1/tickets', { subject, customerId })),
  );
  await goTo(page, '/inbox');
  const heading = page.getByRole('heading', { name: /^It h/, level: 2 });
  const subject = await heading.innerText();
  await page.keyboard.press('n');
  await page.keyboard.type('Seen on ');
  await workspace.api('POST', `/v1/tickets/${String(made.find((each) => each['subject'] === subject)?.['id'])}:solve`);
  await page.getByRole('row', { name: subject }).waitFor({ state: 'detached' });
  await page.keyboard.type('stand 2.');
  expect(await heading.innerText()).toBe(subject);
  expect(await page.getByRole('textbox', { name: 'Note' }).inputValue()).toBe('Seen on stand 2.');
});

test('a new record that is made while the person goes elsewhere does not take them to it', async () => {
  await beginTask('Gearbox');
  const { count, release } = await hold('POST', '/v1/tasks');
  await page.keyboard.press('ControlOrMeta+Enter');
  await expect.poll(count).toBe(1);
  await goTo(page, '/products');
  const made = page.waitForResponse((response) => response.request().method() === 'POST');
  release();
  expect((await made).status()).toBe(201);
  // What comes later than a navigation would.
  const { name } = await workspace.api('POST', '/v1/products', { sku: 'keel', name: 'Keel' });
  await page.getByRole('row', { name: String(name) }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/products');
});

test('a note that is on its way is not sent again from its ticket, which was left and opened again', async () => {
  const { id: customerId } = await workspace.api('POST', '/v1/customers', { kind: 'PERSON', displayName: 'Ada' });
  const { id } = await workspace.api('POST', '/v1/tickets', { subject: 'The stand drifts', customerId });
  await workspace.api('POST', '/v1/tickets', { subject: 'Another one', customerId });
  await goTo(page, '/inbox');
  const open = async (subject: string) => {
    await page.getByRole('row', { name: subject }).click();
    await page.getByRole('heading', { name: subject, level: 2 }).waitFor();
  };
  await open('The stand drifts');
  const { count, release } = await hold('POST', ':addNote');
  await page.keyboard.press('n');
  await page.keyboard.type('Seen before.');
  await page.keyboard.press('ControlOrMeta+Enter');
  await expect.poll(count).toBe(1);
  await page.keyboard.press('Escape');
  await open('Another one');
  await open('The stand drifts');
  expect(await page.getByRole('button', { name: 'Add note' }).isDisabled()).toBe(true);
  release();
  await page.getByRole('listitem').getByText('Seen before.', { exact: true }).waitFor();
  await expect.poll(() => page.getByRole('textbox', { name: 'Note' }).inputValue()).toBe('');
  const filter = encodeURIComponent(`ticketId = "${String(id)}"`);
  const { ticketEntries } = await workspace.api<{ ticketEntries: Json[] }>('GET', `/v1/ticketEntries?filter=${filter}`);
  expect(ticketEntries.map(({ text }) => text)).toEqual(['Seen before.']);
});

test('two records that someone else deletes at once stay in the list as deleted', async () => {
  const made = await Promise.all(
    ['Mast', 'Sail'].map((name) => workspace.api('POST', '/v1/products', { sku: name.toLowerCase(), name })),
  );
  await goTo(page, '/products');
  await page.getByRole('row', { name: 'Mast' }).waitFor();
  await workspace.api('POST', '/v1/products:batchDelete', { items: made.map(({ id, etag }) => ({ id, etag })) });
  for (const name of ['Mast', 'Sail'])
    await page.getByRole('row', { name }).getByRole('button', { name: 'Undelete' }).waitFor();
});

test('a task that was not added comes back into its line, before what was typed since', async () => {
  let refuse = () => {};
  const refused = new Promise<void>((resolve) => {
    refuse = resolve;
  });
  const body = JSON.stringify({ status: 503, code: 'SERVICE_UNAVAILABLE', detail: 'Not now.' });
  await goTo(page, '/my-day');
  await page.route('**/v1/tasks', async (route) => {
    await refused;
    await route.fulfill({ status: 503, contentType: 'application/problem+json', body });
  });
  const line = page.getByRole('textbox', { name: /Add a task/ });
  await line.fill('Call Grace');
  await line.press('Enter');
  await expect.poll(() => line.inputValue()).toBe('');
  await line.pressSequentially('and Ada');
  refuse();
  await page.getByText('The service is not available just now.').waitFor();
  expect(await line.inputValue()).toBe('Call Grace and Ada');
});

async function userId(): Promise<unknown> {
  const { users } = await workspace.api<{ users: Json[] }>('GET', '/v1/users');
  return users.find(({ displayName }) => displayName === 'Mara Lindqvist')?.['id'];
}
