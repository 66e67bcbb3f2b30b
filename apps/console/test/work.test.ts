import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faultsOf, Workspace, type Json } from './workspace.ts';

type Person = Awaited<ReturnType<Workspace['person']>>;

let workspace: Workspace;
let person: Person;

beforeAll(async () => {
  workspace = await Workspace.create();
  person = await workspace.person();
  await workspace.api('PATCH', '/v1/settings', { weekStart: 'SUNDAY' });
});

afterAll(() => workspace.close());

/** So many hours from now, as a moment. */
function inHours(hours: number): string {
  return new Date(Date.now() + hours * 3_600_000).toISOString();
}

function task(subject: string, more: object): Promise<Json> {
  return workspace.api('POST', '/v1/tasks', { subject, ownerId: person.id, ...more });
}

function focused(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement?.textContent ?? '');
}

describe('my day', () => {
  test('completes, snoozes and skips by key and by mouse, and takes it back', async () => {
    const late = await task('Late', { dueTime: inHours(-30) });
    await task('Later', { dueTime: inHours(-29) });
    const weekly = { dueTime: inHours(-28), recurrence: { rule: 'FREQ=WEEKLY' } };
    const { id: weeklyId } = await task('Weekly', weekly);
    await workspace.api('POST', '/v1/tasks', { subject: 'Of another person', dueTime: inHours(-30) });
    const page = await workspace.open('/my-day', person);
    const faults = faultsOf(page);
    const overdue = page.getByRole('list', { name: 'Overdue' });
    await overdue.getByRole('link', { name: 'Weekly' }).waitFor();
    expect(await overdue.getByRole('listitem').count()).toBe(3);

    await page.keyboard.press('j');
    expect(await focused(page)).toBe('Late');
    await page.keyboard.press('x');
    await expect.poll(() => focused(page)).toBe('Later');
    await expect.poll(() => overdue.getByRole('listitem').count()).toBe(2);
    expect(await statusOf(late)).toBe('DONE');
    await page.getByRole('button', { name: 'Undo' }).click();
    await overdue.getByRole('link', { name: 'Late', exact: true }).waitFor();
    expect(await statusOf(late)).toBe('OPEN');

    await overdue.getByRole('link', { name: 'Late', exact: true }).focus();
    await page.keyboard.press('s');
    await page.getByRole('menuitem', { name: 'Tomorrow' }).press('Enter');
    await page.getByRole('list', { name: 'Snoozed' }).getByRole('link', { name: 'Late', exact: true }).waitFor();

    const row = overdue.getByRole('listitem').filter({ hasText: 'Weekly' });
    await row.getByRole('button', { name: 'Snooze' }).click();
    await page.getByRole('menuitem', { name: 'Skip this time' }).click();
    const next = page.getByRole('list', { name: 'Next 7 days' }).getByRole('link', { name: 'Weekly' });
    await next.waitFor();
    expect(await statusOf({ id: weeklyId })).toBe('CANCELLED');
    const skipped = page.getByRole('alertdialog').filter({ hasText: 'Skipped' });
    await skipped.getByRole('button', { name: 'Undo' }).click();
    await overdue.getByRole('link', { name: 'Weekly' }).waitFor();
    await next.waitFor({ state: 'detached' });

    await overdue.getByRole('checkbox', { name: 'Complete “Later”' }).click({ force: true });
    await expect.poll(() => overdue.getByRole('listitem').filter({ hasText: 'Later' }).count()).toBe(0);
    expect(faults).toEqual([]);
  });

  test('adds a task from one line, due when its last words say, in the zone of the reader', async () => {
    const page = await workspace.open('/my-day', person, { timezoneId: 'Asia/Shanghai' });
    await page.getByLabel('Add a task').first().waitFor();
    await page.keyboard.press('n');
    await page.keyboard.type('Send the offer tomorrow 15:00 !');
    await page.getByRole('status').getByText('15:00').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('list', { name: 'Next 7 days' }).getByText('Tomorrow, 15:00').waitFor();
    const { tasks } = await workspace.api<{ tasks: Json[] }>(
      'GET',
      '/v1/tasks?filter=subject=%22Send%20the%20offer%22',
    );
    expect(tasks).toMatchObject([{ priority: 'HIGH', ownerId: person.id }]);
    expect(String(tasks[0]?.['dueTime'])).toContain('T07:00:00');
  });

  test('has what is due later, however much is overdue', async () => {
    const busy = await workspace.person();
    const late = { task: { subject: 'Late', ownerId: busy.id, dueTime: inHours(-48) } };
    for (let batch = 0; batch < 3; batch++) {
      const items = Array.from({ length: 70 }, () => late);
      await workspace.api('POST', '/v1/tasks:batchCreate', { items, mode: 'ATOMIC' });
    }
    await workspace.api('POST', '/v1/tasks', { subject: 'Next', ownerId: busy.id, dueTime: inHours(48) });
    const page = await workspace.open('/my-day', busy);

    await page.getByRole('list', { name: 'Next 7 days' }).getByText('Next').waitFor();
    expect(await page.getByRole('list', { name: 'Overdue' }).getByRole('listitem').count()).toBe(210);
  });

  async function statusOf({ id }: Json): Promise<unknown> {
    return (await workspace.api('GET', `/v1/tasks/${String(id)}`))['status'];
  }
});

describe('the calendar', () => {
  // A Wednesday in summer, five hours from Greenwich.
  const zone = { timezoneId: 'America/New_York' };
  const meet = (subject: string, day: number, from: string, to: string) =>
    workspace.api('POST', '/v1/meetings', {
      ...{ subject, ownerId: person.id },
      ...{ startTime: `2027-07-${day}T${from}:00Z`, endTime: `2027-07-${day}T${to}:00Z` },
    });

  test('goes between blocks and weeks by arrows, and moves a meeting by key, keeping its length', async () => {
    const { id } = await meet('Review', 14, '13:00', '14:30');
    await meet('Lunch', 15, '16:00', '17:00');
    await meet('Week after', 18, '13:00', '14:00');
    const page = await workspace.open('/calendar?day=2027-07-14', person, zone);
    const faults = faultsOf(page);
    await page.getByRole('button', { name: 'Meeting, Review 09:00–10:30' }).waitFor();
    // The settings begin the week on Sunday.
    expect(await page.locator('#main h2').first().innerText()).toBe('Sun 11');
    await page.keyboard.press('j');
    await expect.poll(() => focused(page)).toContain('Review');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('j');
    await expect.poll(() => focused(page)).toContain('Lunch');
    await page.keyboard.press('k');
    await expect.poll(() => focused(page)).toContain('Review');

    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    await page.getByRole('status').getByText('Thu, Jul 15, 09:15').waitFor();
    await page.keyboard.press('Enter');
    await expect.poll(() => timesOf(id)).toEqual(['2027-07-15T13:15:00.000Z', '2027-07-15T14:45:00.000Z']);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => timesOf(id)).toEqual(['2027-07-14T13:00:00.000Z', '2027-07-14T14:30:00.000Z']);

    await page.getByRole('button', { name: /Review/ }).focus();
    for (let day = 0; day < 4; day += 1) await page.keyboard.press('ArrowRight');
    await page.getByRole('button', { name: /Week after/ }).waitFor();
    expect(page.url()).toContain('day=2027-07-18');
    expect(faults).toEqual([]);
  });

  test('has a full week of a team', async () => {
    const at = { startTime: '2027-08-03T13:00:00Z', endTime: '2027-08-03T13:30:00Z' };
    for (let batch = 0; batch < 3; batch++) {
      const items = Array.from({ length: 70 }, (_, index) => ({ meeting: { subject: `M${batch}.${index}`, ...at } }));
      await workspace.api('POST', '/v1/meetings:batchCreate', { items, mode: 'ATOMIC' });
    }
    const page = await workspace.open('/calendar?day=2027-08-03&view=all', person, zone);

    const blocks = page.getByRole('button', { name: /^Meeting, M\d/ });
    await expect.poll(() => blocks.count()).toBe(210);
  });

  test('creates at a slot by key and by click, and moves by drag', async () => {
    const { id } = await meet('Dragged', 20, '13:00', '13:30');
    const page = await workspace.open('/calendar?day=2027-07-20', person, zone);
    const block = page.getByRole('button', { name: /Dragged/ });
    const box = await block.boundingBox();
    const day = await page.getByRole('region', { name: 'Wednesday, July 21' }).boundingBox();
    if (!box || !day) throw new Error('The calendar has no block.');
    await page.mouse.move(box.x + 20, box.y + 5);
    await page.mouse.down();
    await page.mouse.move(day.x + 30, box.y + 30, { steps: 5 });
    await page.mouse.move(day.x + 30, box.y + 5 + box.height * 2, { steps: 3 });
    await page.getByRole('status').getByText('Wed, Jul 21').waitFor();
    await page.mouse.up();
    await expect.poll(async () => (await timesOf(id))[0]).toMatch(/^2027-07-21T1[34]:/);

    const slot = page.getByRole('button', { name: /^New at/ });
    await slot.focus();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('button', { name: 'New at 08:30, Tuesday, July 20' }).press('Enter');
    await page.keyboard.type('By key');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Meeting, By key 08:30–09:00' }).waitFor();

    const column = page.getByRole('region', { name: 'Friday, July 23' });
    const { height = 0 } = (await column.boundingBox()) ?? {};
    await column.click({ position: { x: 30, y: (height / 24) * 10.2 } });
    await page.getByRole('radio', { name: 'Task' }).click();
    await page.getByLabel('Subject').fill('By click');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: 'Task, By click 10:00' }).waitFor();
  });

  async function timesOf(id: unknown): Promise<unknown[]> {
    const meeting = await workspace.api('GET', `/v1/meetings/${String(id)}`);
    return [meeting['startTime'], meeting['endTime']];
  }
});
