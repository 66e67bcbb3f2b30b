import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSoak, printedSeed } from '@rapport/testing';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faultsOf, goTo, Workspace } from './workspace.ts';

/** Paths of every screen, each once; those of records are filled in. */
const router = readFileSync(join(import.meta.dirname, '../src/app/router.tsx'), 'utf8');
const paths = [...router.matchAll(/screen\('([^']+)'/g)].map(([, path = '']) => path).concat('deal', 'ticket');

const looks = ['light', 'dark'] as const;
const languages = ['en', 'zh-CN'] as const;
const widths = [1280, 320];
const axe = readFileSync(join(import.meta.dirname, '../../../node_modules/axe-core/axe.min.js'), 'utf8');
const all = looks.flatMap((look) =>
  languages.flatMap((language) => widths.map((width) => ({ look, language, width }))),
);

let workspace: Workspace;
let known: Record<string, string>;

beforeAll(async () => {
  workspace = await Workspace.create();
  const customer = await workspace.api('POST', '/v1/customers', {
    kind: 'PERSON',
    givenName: 'Käthe',
    familyName: 'Weiß',
    emails: [{ address: 'kaethe@example.com' }],
  });
  const object = { key: 'machine', displayName: 'Machine', displayNamePlural: 'Machines' };
  await workspace.api('POST', '/v1/customObjects', object);
  const machine = await workspace.api('POST', '/v1/objects/machine/records', { name: 'Spindle 3' });
  const stages = [
    { key: 'due', name: 'Due', kind: 'OPEN', probability: 20, limitDays: 14, guards: [{ kind: 'OPEN_TASKS' }] },
    { key: 'won', name: 'Won', kind: 'WON' },
  ];
  const pipeline = await workspace.api('POST', '/v1/pipelines', { name: 'Renewals', stages });
  const deal = await workspace.api('POST', '/v1/deals', {
    title: 'Zwölf Sitze',
    stage: 'due',
    pipelineId: pipeline['id'],
  });
  const flow = await workspace.api('POST', '/v1/flows', {
    ...{ key: 'check', name: 'Prüfen' },
    definition: {
      trigger: { manual: { type: 'customer' } },
      steps: [
        { key: 'choose', switch: { cases: [{ condition: 'true', steps: [{ key: 'wait', wait: { seconds: 60 } }] }] } },
      ],
    },
  });
  await workspace.api('POST', `/v1/flows/${String(flow['id'])}:publish`);
  const run = await workspace.api('POST', `/v1/flows/${String(flow['id'])}:run`, { recordId: customer['id'] });
  const policy = await policyWithTicket(String(customer['id']));
  await marketing();
  known = {
    ...known,
    '/slaPolicies/$id/targets': `/slaPolicies/${policy}/targets`,
    '/flows/$id': `/flows/${String(flow['id'])}`,
    '/flowRuns/$id': `/flowRuns/${String(run['id'])}`,
    deal: `/deals/${String(deal['id'])}`,
    '/$resource': '/customers',
    '/$resource/$id': `/customers/${String(customer['id'])}`,
    '/$resource/board': '/customers/board',
    '/$resource/new': '/customers/new',
    '/objects/$object': '/objects/machine',
    '/objects/$object/new': '/objects/machine/new',
    '/objects/$object/$id': `/objects/machine/${String(machine['id'])}`,
    '/pipelines/$id/stages': `/pipelines/${String(pipeline['id'])}/stages`,
    '/operations/$operation': '/operations/createCustomer',
  };
});

afterAll(() => workspace.close());

describe('every screen', () => {
  test('has no finding of axe, no refusal of the policy, and asks no other origin', async () => {
    const seed = printedSeed('SCREENS_SEED');
    const chosen = isSoak ? all : [all[seed % all.length] ?? all[0]];
    const person = await workspace.person();
    await giveWork(person.id);
    for (const look of chosen) {
      if (!look) continue;
      const page = await workspace.open('/', person, {
        colorScheme: look.look,
        locale: look.language,
        viewport: { width: look.width, height: 800 },
      });
      const found = faultsOf(page);
      // Playwright's own world is not bound by the policy of the page.
      if (!isSoak) await page.evaluate(axe);
      for (const path of paths)
        found.push(...(await findingsOf(page, known[path] ?? path)).map((each) => `${path}: ${each}`));
      expect(found, JSON.stringify(look)).toEqual([]);
    }
  }, 600_000);
});

/** An active policy, and a ticket under it that has a note. @returns the id of the policy */
async function policyWithTicket(customerId: string): Promise<string> {
  const weekly = [{ day: 'MONDAY', opens: '09:00', closes: '17:00' }];
  const calendar = await workspace.api('POST', '/v1/calendars', { name: 'Büro', timeZone: 'Europe/Berlin', weekly });
  const targets = [{ metric: 'FIRST_RESPONSE', withinSeconds: 14_400 }];
  const body = { key: 'gold', name: 'Gold', calendarId: calendar['id'], targets };
  const { id } = await workspace.api('POST', '/v1/slaPolicies', body);
  await workspace.api('POST', `/v1/slaPolicies/${String(id)}:activate`, { openTickets: 'KEEP' });
  const ticket = await workspace.api('POST', '/v1/tickets', { subject: 'Waage driftet', customerId });
  await workspace.api('POST', `/v1/tickets/${String(ticket['id'])}:addNote`, { text: 'Siehe Handbuch.' });
  known = { ticket: `/tickets/${String(ticket['id'])}` };
  return String(id);
}

/** A segment, a campaign of it, and a form. */
async function marketing(): Promise<void> {
  const make = async (path: string, body: object) => String((await workspace.api('POST', path, body))['id']);
  await make('/v1/topics', { key: 'news', name: 'Neuigkeiten' });
  const filter = 'tags = vip AND createTime >= today-30d';
  const segment = await make('/v1/segments', { key: 'vip', name: 'Wichtige Kunden', filter });
  const campaign = await make('/v1/campaigns', {
    ...{ name: 'Herbst', topicKey: 'news', includeSegmentIds: [segment] },
    mailboxId: await make('/v1/mailboxes', { address: 'hallo@kestrel.example', kind: 'SEND_ONLY' }),
    variants: [{ key: 'a', templateId: await make('/v1/templates', { key: 'autumn', name: 'Herbst', body: 'Hallo' }) }],
  });
  const email = { key: 'email', label: 'E-Mail', kind: 'EMAIL', isRequired: true, customerField: 'email' };
  const form = await make('/v1/forms', { key: 'news', name: 'Neuigkeiten', fields: [email], topicKeys: ['news'] });
  known = {
    ...known,
    '/segments/$id/definition': `/segments/${segment}/definition`,
    '/campaigns/$id/mailing': `/campaigns/${campaign}/mailing`,
    '/forms/$id/design': `/forms/${form}/design`,
  };
}

/** A late task, one of today, and a meeting of now, about the deal. */
async function giveWork(ownerId: string): Promise<void> {
  const related = [{ type: 'deal', id: known['deal']?.split('/').at(-1) }];
  const at = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
  const late = { subject: 'Late', dueTime: at(-30), priority: 'URGENT', ownerId, related };
  await workspace.api('POST', '/v1/tasks', late);
  await workspace.api('POST', '/v1/tasks', { subject: 'Today', dueDate: at(0).slice(0, 10), ownerId });
  await workspace.api('POST', '/v1/meetings', { subject: 'Now', startTime: at(-1), endTime: at(1), ownerId, related });
}

/** The short form goes there as a link does: the program and axe take longer to load than to run. */
async function show(page: Page, path: string): Promise<void> {
  const { origin, pathname } = new URL(page.url());
  if (!isSoak) return pathname === path ? undefined : goTo(page, path);
  await page.goto(origin + path);
  await page.locator('#main h1, #main h2').first().waitFor();
  await page.evaluate(axe);
}

/** What axe finds on a screen, by rule and element. Its sideways overflow is a finding too. */
async function findingsOf(page: Page, path: string): Promise<string[]> {
  await show(page, path);
  return page.evaluate(async () => {
    const { axe: runner } = window as unknown as { axe: { run: (options: object) => Promise<AxeResult> } };
    const runOnly = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
    const { violations } = await runner.run({ runOnly, resultTypes: ['violations'] });
    const found = violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} ${target.join(' ')} ${failureSummary}`),
    );
    const { scrollWidth, clientWidth } = document.documentElement;
    return [...found, ...(scrollWidth > clientWidth ? [`sideways scroll: ${scrollWidth} in ${clientWidth}`] : [])];
  });
}

interface AxeResult {
  violations: { id: string; nodes: { target: string[]; failureSummary: string }[] }[];
}
