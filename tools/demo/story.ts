import { connectAccounting, makeConflicts } from './accounting.ts';
import { makeAgenda } from './agenda.ts';
import { apiOf, type Api } from './api.ts';
import { makeCampaigns } from './campaigns.ts';
import { dayIn, demoDeals, idsOf } from './deals.ts';
import type { Demo, DemoPlatform } from './demo.ts';
import type { DemoRelay } from './demo-relay.ts';
import { makeForecasts } from './forecasts.ts';
import { columns, peopleFile } from './people.ts';
import story from './story.json' with { type: 'json' };
import { makeUsers, type Scene } from './users.ts';

/** How many valid rows the list of the trade fair has. */
const imported = 500;

/**
 * Plays a few weeks of work in a new demo workspace, through the API and as its users, so that every screen shows something.
 * Every change is made now: only business fields, such as close dates, are in the past.
 */
export async function playStory(
  demo: Demo,
  { platform, relay }: { platform: DemoPlatform; relay: DemoRelay },
  onProgress: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const admin = apiOf(demo.url, demo.apiKey, signal);
  onProgress('Playing the demo story: users and roles');
  const [accounting, actors, customers, deals] = await Promise.all([
    // Before there are duplicates, which it would ask about.
    connectAccounting(admin, platform, demo, signal),
    makeUsers(admin, platform, demo, signal),
    idsOf(admin, 'customers', 'displayName'),
    idsOf(admin, 'deals', 'title'),
    configure(admin),
  ]);
  const ids = { customers, deals };
  const scene: Scene = {
    admin,
    actor: (part) => found(part, [...actors].find(([name]) => name.includes(part))?.[1]),
    id: (record) => {
      const [collection = '', name = ''] = record.split(/\/(.*)/s);
      return found(record, ids[collection as 'customers' | 'deals'].get(name));
    },
  };
  await makeCampaigns(admin, { url: demo.url, relay, signal }, () => playWeeks(scene, accounting, onProgress));
}

async function playWeeks(
  scene: Scene,
  accounting: Awaited<ReturnType<typeof connectAccounting>>,
  onProgress: (line: string) => void,
): Promise<void> {
  onProgress('Playing the demo story: conflicts, objects, changes');
  await sendWebhooks(scene);
  await Promise.all([
    makeConflicts(scene, accounting),
    ...[assignPeople(scene), assignDeals(scene), saveViews(scene), makeSubscriptions(scene)],
    ...[changeCustomers(scene), undoImport(scene), openAccess(scene), erase(scene)],
  ]);
  onProgress('Playing the demo story: an import, deals, duplicates');
  const [tradeFair] = await Promise.all([startImport(scene), leaveDuplicates(scene)]);
  await Promise.all([moveDeals(scene), recordConsents(scene), uploadFiles(scene), associate(scene)]);
  await makeForecasts(scene);
  await makeAgenda(scene);
  await untilEnded(scene.admin, tradeFair);
  await changeLast(scene);
}

function found<Value>(name: string, value: Value | undefined): Value {
  if (value === undefined) throw new Error(`The demo story has no ${name}.`);
  return value;
}

async function configure(admin: Api): Promise<void> {
  const settings = { baseCurrency: 'EUR', timeZone: 'Europe/Berlin', locale: 'en-GB', weekStart: 'MONDAY' };
  await admin('PATCH', '/v1/settings', { ...settings, fiscalYearStartMonth: 1 });
  for (const field of story.customerFields) await admin('POST', '/v1/customFields', field);
  await admin('PUT', '/v1/importMappings/trade-fair', { map: columns });
}

/** The list of a trade fair, with a few faulty rows. */
async function startImport({ actor }: Scene): Promise<string> {
  const file = peopleFile(imported, (country) => actor(ownerIn(country)).id);
  return upload(actor('Mara').api, file, { mapping: 'trade-fair' });
}

/** A part of the name of the user whose territory a country is. */
function ownerIn(country: string): string {
  return story.territories.find(({ countries }) => countries.split(' ').includes(country))?.owner ?? 'Tobias';
}

async function upload(api: Api, file: string, input: object = {}): Promise<string> {
  const { id } = await api('POST', '/v1/imports', { contentType: 'text/csv', ...input });
  await api('PUT', `/v1/imports/${id}/file`, file);
  return id;
}

/** A list that nobody wanted is imported and undone. */
async function undoImport({ actor }: Scene): Promise<void> {
  const { api } = actor('Inês');
  const rows = ['Ida', 'Otto', 'Nele'].map((name) => `PERSON,${name},Muster,${name.toLowerCase()}@muster.example`);
  const id = await upload(api, `kind,givenName,familyName,email\n${rows.join('\n')}\n`);
  await untilEnded(api, id);
  await api('POST', `/v1/operations/${id}:undo`);
  await untilEnded(api, id, 'UNDONE');
}

async function untilEnded(api: Api, id: string, state = 'SUCCEEDED'): Promise<void> {
  for (;;) {
    const operation = await api<{ state: string }>('GET', `/v1/operations/${id}`);
    if (operation.state === state) return;
    if (operation.state === 'FAILED') throw new Error(`An import of the demo failed: ${JSON.stringify(operation)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface Person {
  id: string;
  companyName?: string;
  addresses: { countryCode?: string }[];
}

/** Gives people their owners and links them to their companies. */
async function assignPeople({ admin, actor, id }: Scene): Promise<void> {
  const path = `/v1/customers?pageSize=200&filter=${encodeURIComponent('kind = PERSON')}`;
  const items = (await admin<{ customers: Person[] }>('GET', path)).customers.map((person) => ({
    id: person.id,
    customer: {
      ownerId: actor(ownerIn(person.addresses[0]?.countryCode ?? '')).id,
      ...(person.companyName !== undefined && { companyId: id(`customers/${person.companyName}`) }),
    },
    updateMask: ['ownerId', ...(person.companyName === undefined ? [] : ['companyId'])],
  }));
  await actor('Mara').api('POST', '/v1/customers:batchUpdate', { items });
}

async function assignDeals({ actor, id }: Scene): Promise<void> {
  const items = demoDeals.map(({ title, owner }) => {
    return { id: id(`deals/${title}`), deal: { ownerId: actor(owner).id }, updateMask: ['ownerId'] };
  });
  await actor('Mara').api('POST', '/v1/deals:batchUpdate', { items });
}

/** Changes by several people, one after the other: the history of a record. */
async function changeCustomers({ actor, id }: Scene): Promise<void> {
  for (const { by, customer, fields } of story.changes) {
    await actor(by).api('PATCH', `/v1/customers/${id(`customers/${customer}`)}`, fields);
  }
}

/** Gives companies their owners and the values of custom fields. */
async function assignCompanies({ actor, id }: Scene): Promise<void> {
  const items = (story.companies as [string, string, object][]).map(([name, owner, fields]) => ({
    id: id(`customers/${name}`),
    customer: { ownerId: actor(owner).id, ...withDays(fields) },
    updateMask: ['ownerId', ...Object.keys(fields)],
  }));
  await actor('Mara').api('POST', '/v1/customers:batchUpdate', { items });
}

async function saveViews({ actor }: Scene): Promise<void> {
  for (const { by, ...view } of story.views) await actor(by).api('POST', '/v1/views', view);
}

/** Days such as `+34` of custom fields are counted from today. */
function withDays(fields: { customFields?: Record<string, unknown> }): object {
  if (!fields.customFields) return fields;
  const values = Object.entries(fields.customFields).map(([key, value]) => [
    key,
    typeof value === 'string' && /^[+-]\d+$/.test(value) ? dayIn(Number(value)) : value,
  ]);
  return { ...fields, customFields: Object.fromEntries(values) as object };
}

async function moveDeals({ actor, id }: Scene): Promise<void> {
  const moves = demoDeals.map(async ({ title, owner, stages }) => {
    for (const stage of stages.slice(1))
      await actor(owner).api('PATCH', `/v1/deals/${id(`deals/${title}`)}`, { stage });
  });
  await Promise.all(moves);
}

async function makeSubscriptions({ admin, id }: Scene): Promise<void> {
  const object = { key: 'subscription', displayName: 'Subscription', displayNamePlural: 'Subscriptions' };
  await admin('POST', '/v1/customObjects', { ...object, description: 'What a company pays for each month' });
  const options = ['trial', 'basic', 'gold'].map((value) => ({ value }));
  for (const field of [
    { key: 'plan', displayName: 'Plan', type: 'SELECT', options },
    { key: 'seats', displayName: 'Seats', type: 'NUMBER' },
    { key: 'end_date', displayName: 'End date', type: 'DATE' },
  ]) {
    await admin('POST', '/v1/customFields', { ...field, recordType: 'objects.subscription' });
  }
  const subscriptions = story.subscriptions as [string, string, string, number, number][];
  const items = subscriptions.map(([, name, plan, seats, endsInDays]) => ({
    objectRecord: { name, customFields: { plan, seats, end_date: dayIn(endsInDays) } },
  }));
  const { results } = await admin<{ results: { objectRecord: { id: string } }[] }>(
    ...(['POST', '/v1/objects/subscription/records:batchCreate', { items }] as const),
  );
  const made = subscriptions.map(([company], index) => {
    const [from, to] = [`customers/${id(`customers/${company}`)}`, `objectRecords/${results[index]?.objectRecord.id}`];
    return admin('POST', '/v1/associations', { from, type: 'subscribes_to', to });
  });
  await Promise.all(made);
}

async function associate({ actor, id }: Scene): Promise<void> {
  const resource = (record: string) => `${record.split('/')[0]}/${id(record)}`;
  for (const [from = '', type, to = ''] of story.associations) {
    await actor('Mara').api('POST', '/v1/associations', { from: resource(from), type, to: resource(to) });
  }
}

async function uploadFiles({ actor, id }: Scene): Promise<void> {
  for (const [record = '', name, text] of story.files) {
    const { api } = actor('Mara');
    const target = `${record.split('/')[0]}/${id(record)}`;
    const { id: uploadId } = await api('POST', '/v1/fileUploads', { record: target, name });
    await api('PUT', `/v1/fileUploads/${uploadId}/content`, text);
  }
}

async function recordConsents({ actor, id }: Scene): Promise<void> {
  for (const [name, purpose, channel, state, legalBasis, days] of story.consents as [...string[], number][]) {
    const time = new Date(Date.now() + Number(days) * 86_400_000 - 60_000).toISOString();
    const consent = { purpose, channel, state, legalBasis, source: 'public form', time };
    await actor('Samuel').api('POST', `/v1/customers/${id(`customers/${name}`)}/consents`, consent);
  }
}

/** A merge that is undone, and duplicates that wait for a decision. */
async function leaveDuplicates({ actor, id }: Scene): Promise<void> {
  const { api } = actor('Samuel');
  const undone = await merge(api, id(`customers/${story.unmerged.survivor}`), story.unmerged.other);
  await api('POST', `/v1/merges/${undone}:undo`);
  await actor('Tobias').api('POST', '/v1/customers:batchCreate', {
    items: story.duplicates.map((customer) => ({ customer })),
  });
}

async function merge(api: Api, survivorId: string, other: object): Promise<string> {
  const { id: mergedId } = await api('POST', '/v1/customers', other);
  const answer = await api<{ merge: { id: string } }>('POST', `/v1/customers/${survivorId}:merge`, { mergedId });
  return answer.merge.id;
}

/** Keys in use, and one that was revoked. */
async function openAccess({ admin }: Scene): Promise<void> {
  for (const key of story.keys) await admin('POST', '/v1/apiKeys', key);
  const old = { displayName: 'Old newsletter tool', permissions: ['customers.read'] };
  const { id } = await admin('POST', '/v1/apiKeys', old);
  await admin('POST', `/v1/apiKeys/${id}:revoke`);
}

/** Nothing listens on the port of the first, so its deliveries fail and are tried again. The other one is disabled. */
async function sendWebhooks({ admin }: Scene): Promise<void> {
  const failing = { url: 'http://127.0.0.1:9/rapport', eventTypes: ['deal.*'], description: 'Data warehouse' };
  const disabled = { url: 'https://letters.example/hook', eventTypes: ['customer.*'], description: 'Newsletter tool' };
  await admin('POST', '/v1/webhookEndpoints', { ...disabled, state: 'DISABLED' });
  const { id } = await admin('POST', '/v1/webhookEndpoints', failing);
  await admin('POST', `/v1/webhookEndpoints/${id}:test`);
}

async function erase({ admin }: Scene): Promise<void> {
  const { id } = await admin('POST', '/v1/customers', story.erased);
  await admin('GET', `/v1/customers/${id}:exportPersonalData`);
  await admin('POST', `/v1/customers/${id}:erase`, { reason: 'Request under article 17 GDPR, case 2026-31' });
  await admin('POST', '/v1/suppressions', { channel: 'EMAIL', address: 'bounced@kontor.example', reason: 'BOUNCE' });
  await admin('POST', '/v1/auditHeads:sign');
}

/** The newest changes, which the home screen and the list of customers show first. */
async function changeLast(scene: Scene): Promise<void> {
  const { actor, id } = scene;
  await assignCompanies(scene);
  await merge(actor('薇').api, id(`customers/${story.merged.survivor}`), story.merged.other);
  const lead = { lifecycleStage: 'LEAD' };
  await actor('Inês').api('PATCH', `/v1/customers/${id('customers/Björk Þórðardóttir')}`, lead);
  const deal = id('deals/Turbine vibration monitoring');
  await actor('Tobias').api('PATCH', `/v1/deals/${deal}`, { closeDate: dayIn(20) });
}
