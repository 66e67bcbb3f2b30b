import type { SharedPlatform } from '@rapport/testing';
import { Workspace } from './workspaces.ts';

/** A workspace with data of every kind, deleted, merged and erased records included. */
export async function filledWorkspace(platform: SharedPlatform): Promise<Workspace> {
  const workspace = await Workspace.create(platform, 'Filled');
  const create = async (path: string, body: object) => (await workspace.send('POST', path, body)).id;
  await workspace.send('PATCH', '/v1/settings', { baseCurrency: 'EUR' });
  await workspace.send('POST', '/v1/customFields', { key: 'plan', type: 'TEXT', displayName: 'Plan' });
  await workspace.send('PUT', '/v1/importMappings/erp', { map: ['Name=display_name'] });
  await create('/v1/views', { resource: 'customers', name: 'Leads', filter: 'lifecycleStage = LEAD', shared: true });
  const ada = await create('/v1/customers', {
    ...{ kind: 'PERSON', displayName: 'Ada Lovelace', givenName: 'Ada', tags: ['a', 'ü'] },
    ...{ emails: [{ address: 'ada@example.com' }], externalIds: [{ system: 'erp', value: '7' }] },
    customFields: { plan: 'gold' },
  });
  // It references records that come after it.
  const company = await create('/v1/customers', {
    kind: 'COMPANY',
    displayName: 'Engines',
    domains: ['engines.example'],
  });
  await workspace.send('PATCH', `/v1/customers/${ada}`, { companyId: company });
  const bob = await create('/v1/customers', {
    kind: 'PERSON',
    displayName: 'Bob',
    phones: [{ number: '+43 1 234567' }],
  });
  const eve = await create('/v1/customers', {
    kind: 'PERSON',
    displayName: 'Eve',
    emails: [{ address: 'eve@example.com' }],
  });
  await workspace.send('POST', `/v1/customers/${bob}:merge`, { mergedId: eve });
  const gone = await create('/v1/customers', {
    kind: 'PERSON',
    displayName: 'Gone',
    emails: [{ address: 'gone@example.com' }],
  });
  await workspace.send('DELETE', `/v1/customers/${gone}`);
  const max = await create('/v1/customers', {
    kind: 'PERSON',
    displayName: 'Max',
    emails: [{ address: 'max@example.com' }],
  });
  await workspace.send('POST', `/v1/customers/${max}:erase`, { reason: 'asked for' });
  const stages = [
    { key: 'new', name: 'New', kind: 'OPEN' },
    { key: 'won', name: 'Won', kind: 'WON' },
  ];
  const pipelineId = await create('/v1/pipelines', { name: 'Sales', stages });
  const amount = { amount: '12.50', currencyCode: 'EUR' };
  const deal = await create('/v1/deals', { title: 'A deal', pipelineId, stage: 'new', customerId: company, amount });
  await workspace.send('PATCH', `/v1/deals/${deal}`, { stage: 'won' });
  await create(`/v1/customers/${ada}/consents`, {
    ...{
      purpose: 'news',
      channel: 'EMAIL',
      state: 'WITHDRAWN',
      legalBasis: 'CONSENT',
      source: 'a call',
      evidence: 'tape 7',
    },
  });
  await create('/v1/suppressions', { channel: 'EMAIL', address: 'blocked@example.com', reason: 'BOUNCE' });
  await create('/v1/associations', { fromCustomerId: ada, type: 'works_with', toCustomerId: bob, labels: ['x'] });
  await create('/v1/associations', { from: `deals/${deal}`, type: 'concerns', to: `customers/${ada}` });
  await addObjects(workspace, `customers/${ada}`);
  await addSales(workspace, pipelineId);
  await addTickets(workspace, ada);
  for (const [name, record] of [
    ['plan.txt', `customers/${ada}`],
    ['the same.txt', `deals/${deal}`],
  ]) {
    const id = await create('/v1/fileUploads', { name, record });
    await workspace.send('PUT', `/v1/fileUploads/${id}/content`, 'plan of the engine');
  }
  const id = await create('/v1/fileUploads', { name: 'large.bin', record: `customers/${bob}` });
  await workspace.send('PUT', `/v1/fileUploads/${id}/content`, Buffer.alloc(700_001, 'large'));
  return workspace;
}

/** A workspace with what archives are forged of, and little else: an import of each forged archive stores all that comes before. */
export async function smallWorkspace(platform: SharedPlatform): Promise<Workspace> {
  const workspace = await Workspace.create(platform, 'Small');
  const create = async (path: string, body: object) => (await workspace.send('POST', path, body)).id;
  const [ada, bob] = [
    await create('/v1/customers', { kind: 'PERSON', displayName: 'Ada Lovelace' }),
    await create('/v1/customers', { kind: 'PERSON', displayName: 'Bob' }),
  ];
  await workspace.send('POST', `/v1/customers/${ada}:merge`, { mergedId: bob });
  const pipelineId = await create('/v1/pipelines', {
    name: 'Sales',
    stages: [{ key: 'new', name: 'New', kind: 'OPEN' }],
  });
  await create('/v1/deals', { title: 'A deal', pipelineId, stage: 'new', customerId: ada });
  const consent = { purpose: 'news', channel: 'EMAIL', state: 'WITHDRAWN', legalBasis: 'CONSENT', source: 'a call' };
  await create(`/v1/customers/${ada}/consents`, consent);
  await addTickets(workspace, ada);
  const id = await create('/v1/fileUploads', { name: 'plan.txt', record: `customers/${ada}` });
  await workspace.send('PUT', `/v1/fileUploads/${id}/content`, 'plan of the engine');
  return workspace;
}

/** Tickets with a timer that runs and one that is paused, by a policy that was changed since. */
async function addTickets(workspace: Workspace, customerId: string): Promise<void> {
  const create = async (path: string, body?: object) => (await workspace.send('POST', path, body)).id;
  const weekly = [{ day: 'TUESDAY', opens: '09:00', closes: '17:00' }];
  const calendarId = await create('/v1/calendars', { name: 'Support', timeZone: 'Europe/Berlin', weekly });
  const target = { metric: 'RESOLUTION', clock: 'BUSINESS', withinSeconds: 3_600_000, pauseIn: ['PENDING'] };
  const policy = await create('/v1/slaPolicies', { key: 'all', name: 'All', calendarId, targets: [target] });
  await workspace.send('POST', `/v1/slaPolicies/${policy}:activate`, { openTickets: 'KEEP' });
  const [waiting] = await Promise.all(
    ['Waits', 'Runs'].map((subject) => create('/v1/tickets', { subject, customerId })),
  );
  await workspace.send('PATCH', `/v1/tickets/${waiting}`, { status: 'pending' });
  await workspace.send('PATCH', `/v1/slaPolicies/${policy}`, { targets: [{ ...target, withinSeconds: 60 }] });
}

/** Two objects whose records have equal external ids, fields of one of them, a deleted record and an association. */
async function addObjects(workspace: Workspace, customer: string): Promise<void> {
  const create = async (path: string, body: object) => (await workspace.send('POST', path, body)).id;
  for (const key of ['car', 'boat']) await create('/v1/customObjects', { key, displayName: key });
  await workspace.send('POST', '/v1/customFields', { recordType: 'objects.car', key: 'seats', type: 'NUMBER' });
  const externalIds = [{ system: 'erp', value: '7' }];
  const car = { name: 'Car', externalIds, customFields: { seats: 5 }, tags: ['a'] };
  const id = await create('/v1/objects/car/records', car);
  const gone = await create('/v1/objects/boat/records', { name: 'Gone' });
  await workspace.send('DELETE', `/v1/objects/boat/records/${gone}`);
  await create('/v1/objects/boat/records', { name: 'Boat', externalIds });
  await create('/v1/associations', { from: customer, type: 'owns', to: `objectRecords/${id}` });
}

/** Prices, a deal that closed at a rate which has been replaced since, a quota, a forecast snapshot, and work with a reminder. */
async function addSales(workspace: Workspace, pipelineId: string): Promise<void> {
  const create = async (path: string, body?: object) => (await workspace.send('POST', path, body)).id;
  const setRate = (rate: string) =>
    workspace.send('POST', '/v1/exchangeRates:set', {
      rates: [{ baseCurrency: 'EUR', quoteCurrency: 'USD', date: '2026-01-02', rate }],
    });
  const amount = { amount: '10.01', currencyCode: 'USD' };
  await setRate('1.25');
  await create('/v1/deals', { title: 'Closed', pipelineId, stage: 'won', amount });
  await setRate('2');
  const dealId = await create('/v1/deals', {
    title: 'Open',
    pipelineId,
    stage: 'new',
    closeDate: '2027-01-15',
    amount,
  });
  await create('/v1/quotas', { period: '2027', amount });
  await create('/v1/forecastSnapshots');
  const productId = await create('/v1/products', { sku: 'SEAT', name: 'Seat', price: amount });
  const book = await create('/v1/priceBooks', { key: 'list', name: 'List', currencyCode: 'EUR', precedence: 10 });
  await workspace.send('POST', `/v1/priceBooks/${book}:setPrices`, { prices: [{ productId, unitPrice: '9.95' }] });
  const lineItems = [{ productId, description: 'Seat', quantity: '2', unitPrice: '9.95' }];
  await create('/v1/quotes', { title: 'Seats', dealId, currency: 'EUR', lineItems });
  const windows = [{ day: 'MONDAY', opens: '09:00', closes: '17:00' }];
  await create('/v1/calendars', { name: 'Office', timeZone: 'Europe/Berlin', weekly: windows });
  const reminders = [{ beforeSeconds: 3_600 }];
  await create('/v1/tasks', {
    subject: 'Call',
    dueTime: '2099-01-01T09:00:00Z',
    reminders,
    related: [{ type: 'deal', id: dealId }],
  });
}
