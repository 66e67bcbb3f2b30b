import type { SharedPlatform } from '@rapport/testing';
import { vi } from 'vitest';
import type { ApiClient } from '../api-client.ts';
import { addWorkspaceImport } from './add-workspace-import.ts';
import { exchangeRecords } from './exchange-records.ts';
import { flowRecords } from './flow-records.ts';
import { campaignRecords } from './campaign-records.ts';
import { formRecords } from './form-records.ts';
import { identityRecords } from './identity-records.ts';
import { makeEach, type Ids, type Makers } from './make-each.ts';
import { newMarker, once } from './markers.ts';
import { moneyRecords } from './money-records.ts';
import { ownRecords } from './own-records.ts';
import { ticketRecords } from './ticket-records.ts';
import { knowledgeRecords } from './knowledge-records.ts';
import { slaRecords } from './sla-records.ts';
import { segmentRecords } from './segment-records.ts';
import { surveyRecords } from './survey-records.ts';
import { trackingRecords } from './tracking-records.ts';
import { workRecords } from './work-records.ts';

/** A tenant's records, one of each collection that the paths of the contract name. */
export interface TenantRecords {
  living: Ids;
  /** A second one, for operations with two records of a collection. */
  others: Ids;
  /** Only of collections with a delete method. */
  deleted: Ids;
}

/** The collections to create records in; all when absent. */
export interface Wanted {
  living?: readonly string[];
  /** Of those with a delete method. */
  deleted?: readonly string[];
}

/** Creates the records of a tenant, named by `marker`, and the records that they reference. */
export async function makeTenantRecords(
  platform: SharedPlatform,
  api: ApiClient,
  marker: string,
  wanted: Wanted = {},
): Promise<TenantRecords> {
  const { living, others, deleted } = recordMakers(platform, api, marker);
  const within = (makers: Makers, collections?: readonly string[]) =>
    makeEach(
      makers,
      collections?.filter((collection) => collection in makers),
    );
  return {
    living: await makeEach(living, wanted.living),
    others: await within(others, wanted.living),
    deleted: await within(deleted, wanted.deleted),
  };
}

function isRefused(body: unknown): boolean {
  return (body as { code?: string } | undefined)?.code === 'CONCURRENT_WRITE';
}

function recordMakers(platform: SharedPlatform, api: ApiClient, marker: string) {
  const send = async (method: string, path: string, body?: object): Promise<unknown> => {
    let answer = await api.send(method, path, body && { body });
    // A write that waited too long for another one. It has had no effect, and clients repeat it.
    while (isRefused(answer.body)) answer = await api.send(method, path, body && { body });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const create = async (path: string, body?: object) => ((await send('POST', path, body)) as { id: string }).id;
  const remove = async (collection: string, id: string) => {
    await send('DELETE', `/v1/${collection}/${id}`);
    return id;
  };

  const tenantId = once(async () => ((await send('GET', '/v1/tenant')) as { id: string }).id);
  const person = (name: string) => create('/v1/customers', { kind: 'PERSON', displayName: `${marker} ${name}` });
  const [ada, bob] = [once(() => person('Ada')), once(() => person('Bob'))];
  const merge = async () => {
    const body = { mergedId: await person('Eve') };
    return ((await send('POST', `/v1/customers/${await bob()}:merge`, body)) as { merge: { id: string } }).merge.id;
  };
  const erasure = async () => create(`/v1/customers/${await person('Max')}:erase`, { reason: marker });
  const associate = async (type: string) =>
    create('/v1/associations', { fromCustomerId: await ada(), type, toCustomerId: await bob() });
  const customField = async () => {
    const key = newMarker();
    await send('POST', '/v1/customFields', { key, type: 'TEXT', displayName: marker });
    return key;
  };
  const importMapping = async () => {
    const key = newMarker();
    await send('PUT', `/v1/importMappings/${key}`, { map: [`${marker}=display_name`] });
    return key;
  };
  const operation = once(() => create('/v1/imports', { contentType: 'text/csv' }));
  const workspaceExport = once(async () => {
    // A workspace has one at a time, and another test may have started it.
    const start = async () => {
      const { status, body } = await api.send('POST', '/v1/workspace:export');
      return status !== 409 && (body as { id: string });
    };
    const { id } = await vi.waitUntil(start, { timeout: 120_000, interval: 100 });
    const hasEnded = async () => {
      const { state } = (await send('GET', `/v1/operations/${id}`)) as { state: string };
      return state === 'SUCCEEDED';
    };
    await vi.waitUntil(hasEnded, { timeout: 120_000, interval: 100 });
    return id;
  });
  const workspaceImport = async () => addWorkspaceImport(platform, await tenantId());
  const consent = { purpose: 'news', channel: 'EMAIL', state: 'GIVEN', legalBasis: 'CONSENT', source: marker };
  const suppress = (purpose: string) =>
    create('/v1/suppressions', { channel: 'EMAIL', address: `${marker}@example.com`, purpose, reason: 'BOUNCE' });

  const fileUpload = async () => create('/v1/fileUploads', { record: `customers/${await ada()}`, name: marker });
  const file = async () => {
    const id = await fileUpload();
    await api.send('PUT', `/v1/fileUploads/${id}/content`, { body: marker });
    return id;
  };

  // The first stage is the example of the contract.
  const stages = ['proposal', 'won', 'lost'].map((key) => ({
    key,
    name: key,
    kind: key === 'proposal' ? 'OPEN' : key.toUpperCase(),
  }));
  const makePipeline = () => create('/v1/pipelines', { name: marker, stages });
  const pipeline = once(makePipeline);
  const makeDeal = async () =>
    create('/v1/deals', { title: marker, pipelineId: await pipeline(), stage: 'proposal', customerId: await ada() });
  const deal = once(makeDeal);
  const makeFeed = async () => ((await send('POST', '/v1/calendarFeeds')) as { feed: { id: string } }).feed.id;
  const lineItems = [{ description: marker, quantity: '1', unitPrice: '10' }];
  const makeQuote = async () =>
    create('/v1/quotes', { title: marker, dealId: await deal(), currency: 'EUR', lineItems });
  const stageEntry = async () => {
    const path = `/v1/stageEntries?filter=${encodeURIComponent(`deal_id = "${await deal()}"`)}`;
    const { stageEntries } = (await send('GET', path)) as { stageEntries: { id: string }[] };
    return stageEntries[0]?.id ?? '';
  };

  const makeLead = async () => create('/v1/leads', { customerId: await ada(), source: marker });
  const lead = once(makeLead);

  const makeRule = async () =>
    create('/v1/assignmentRules', {
      name: marker,
      recordType: 'lead',
      method: 'FIXED',
      members: [{ userId: await identity.living.users() }],
    });
  const assignmentRule = once(makeRule);
  const assignment = once(async () => {
    await assignmentRule();
    await makeLead();
    const { assignments } = (await send('GET', '/v1/assignments')) as { assignments: { id: string }[] };
    return assignments[0]?.id ?? '';
  });
  const about = async () => [{ type: 'customer', id: await ada() }];
  const work = workRecords(create, marker, about);

  const amount = { currencyCode: 'EUR', amount: '100' };
  // Each owner has one for a period.
  const makeQuota = async () =>
    create('/v1/quotas', { name: marker, period: '2026', amount, ownerId: await identity.makeUser() });

  const weekly = [{ day: 'FRIDAY', opens: '09:00', closes: '17:00' }];
  const makeCalendar = () => create('/v1/calendars', { name: marker, timeZone: 'Europe/Berlin', weekly });

  const makeSubmission = () => create('/v1/forecastSubmissions', { note: marker, period: '2026', amount });

  const { newDate, setRate, makeProduct, product, makePriceBook, priceBook, setPrice } = moneyRecords(
    { send, create },
    marker,
  );

  const makeObject = async () => {
    const key = newMarker();
    const id = await create('/v1/customObjects', { key, displayName: marker });
    return { key, id };
  };
  const object = once(makeObject);
  const records = async () => `objects/${(await object()).key}/records`;
  const makeObjectRecord = async () => create(`/v1/${await records()}`, { name: marker });

  const identity = identityRecords({ platform, create, remove, tenantId }, marker);
  const exchange = exchangeRecords({ platform, create, remove, tenantId }, marker);

  const makeQueue = () => create('/v1/queues', { key: newMarker(), name: marker });
  const setPriority = { priority: 'HIGH' };
  const makeMacro = () => create('/v1/macros', { name: marker, actions: [{ setPriority }] });
  const knowledge = knowledgeRecords({ create, remove }, marker);
  const tickets = ticketRecords({ send, create, remove, requester: ada }, marker);
  const asked = surveyRecords({ send, create, message: exchange.living.messages }, marker);

  const campaigns = campaignRecords({ send, create, remove, message: exchange.living.messages }, marker);
  const forms = formRecords({ edgeUrl: platform.edgeUrl, send, remove }, marker);
  const tracked = trackingRecords({ platform, tenantId, customer: ada }, marker);

  const grouped = segmentRecords({ send, create, remove, customer: ada }, marker);
  const segment = grouped.living.segments;
  const flows = flowRecords({ send, create, remove, user: identity.living.users, customer: ada, segment }, marker);
  const sla = slaRecords({ send, create, calendar: makeCalendar, customer: ada }, marker);

  const own = ownRecords({ platform, send, create, remove, customer: ada }, marker);

  const living = {
    customers: ada,
    associations: () => associate('friend_of'),
    merges: merge,
    customFields: customField,
    importMappings: importMapping,
    imports: operation,
    operations: operation,
    workspaceExports: workspaceExport,
    workspaceImports: workspaceImport,
    consents: async () => create(`/v1/customers/${await ada()}/consents`, consent),
    suppressions: () => suppress('news'),
    files: file,
    fileUploads: fileUpload,
    erasures: erasure,
    pipelines: pipeline,
    deals: deal,
    stageEntries: stageEntry,
    leads: lead,
    exchangeRates: once(() => setRate(newDate())),
    products: product,
    priceBooks: priceBook,
    prices: once(async () => setPrice(await product())),
    assignmentRules: assignmentRule,
    assignments: assignment,
    quotes: once(makeQuote),
    calendarFeeds: makeFeed,
    customObjects: async () => (await object()).id,
    objects: async () => (await object()).key,
    objectRecords: once(makeObjectRecord),
    quotas: makeQuota,
    ...Object.fromEntries(Object.entries(work).map(([collection, make]) => [collection, once(make)])),
    forecastSubmissions: makeSubmission,
    forecastSnapshots: once(() => create('/v1/forecastSnapshots')),
    calendars: makeCalendar,
    queues: once(makeQueue),
    macros: once(makeMacro),
    slaPolicies: once(sla.makePolicy),
    slaTimers: once(sla.makeTimer),
    ...own.living,
    ...identity.living,
    ...exchange.living,
    ...flows.living,
    ...tickets.living,
    ...knowledge.living,
    ...asked.living,
    ...forms.living,
    ...campaigns.living,
    ...grouped.living,
    ...tracked.living,
  };
  const deleted = {
    customers: async () => remove('customers', await person('Zoe')),
    associations: async () => remove('associations', await associate('neighbour_of')),
    files: async () => remove('files', await file()),
    fileUploads: async () => remove('fileUploads', await fileUpload()),
    suppressions: async () => remove('suppressions', await suppress('surveys')),
    pipelines: async () => remove('pipelines', await makePipeline()),
    deals: async () => remove('deals', await makeDeal()),
    leads: async () => remove('leads', await makeLead()),
    exchangeRates: async () => remove('exchangeRates', await setRate(newDate())),
    products: async () => remove('products', await makeProduct()),
    priceBooks: async () => remove('priceBooks', await makePriceBook()),
    prices: async () => remove('prices', await setPrice(await makeProduct())),
    assignmentRules: async () => remove('assignmentRules', await makeRule()),
    calendarFeeds: async () => remove('calendarFeeds', await makeFeed()),
    quotes: async () => remove('quotes', await makeQuote()),
    customObjects: async () => remove('customObjects', (await makeObject()).id),
    objectRecords: async () => remove(await records(), await makeObjectRecord()),
    ...Object.fromEntries(
      Object.entries(work).map(([collection, make]) => [collection, async () => remove(collection, await make())]),
    ),
    customFields: async () => remove('customFields', await customField()),
    importMappings: async () => remove('importMappings', await importMapping()),
    calendars: async () => remove('calendars', await makeCalendar()),
    forecastSubmissions: async () => remove('forecastSubmissions', await makeSubmission()),
    quotas: async () => remove('quotas', await makeQuota()),
    queues: async () => remove('queues', await makeQueue()),
    macros: async () => remove('macros', await makeMacro()),
    slaPolicies: async () => remove('slaPolicies', await sla.makePolicy()),
    ...own.deleted,
    ...identity.deleted,
    ...exchange.deleted,
    ...flows.deleted,
    ...tickets.deleted,
    ...knowledge.deleted,
    ...forms.deleted,
    ...campaigns.deleted,
    ...grouped.deleted,
  };
  return { living, others: { customers: bob, deals: once(makeDeal), ...tickets.others }, deleted };
}
