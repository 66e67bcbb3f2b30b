import { sharedPlatform, type SharedPlatform } from '@rapport/testing';
import { afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { Receiver } from './receiver.ts';
import { WebhookTenant } from './sync-platform.ts';

const url = 'https://hooks.example/rapport';

let platform: SharedPlatform;
let tenant: WebhookTenant;
let receiver: Receiver;

beforeAll(async () => {
  platform = await sharedPlatform(inject('platformUrl'));
});

beforeEach(async () => {
  tenant = await WebhookTenant.create(platform);
  receiver = await Receiver.start();
});
afterEach(async () => receiver.stop());

const filtered = (filter: string, recordType = 'customer') => ({ filters: [{ recordType, filter }] });

/**
 * What the receiver got of a record: types of events, once the last change of the tenant has come and nothing waits to be sent. Only the
 * events of one record are in order.
 */
async function eventsOf(id: string): Promise<string[]> {
  const { id: last } = await tenant.ok<{ id: string }>('POST', '/v1/customers', {
    ...{ kind: 'PERSON', displayName: 'Last', tags: ['vip'], jobTitle: 'last' },
  });
  const taken = () => receiver.taken.map(({ event }) => event);
  await expect.poll(() => taken().map(({ data }) => data['recordId'])).toContain(last);
  const pending = () => tenant.ok<{ webhookDeliveries: unknown[] }>('GET', '/v1/webhookDeliveries?state=PENDING');
  await expect.poll(async () => (await pending()).webhookDeliveries).toEqual([]);
  return taken().flatMap(({ type, data }) => (data['recordId'] === id ? [type] : []));
}

const patch = (id: string, change: Record<string, unknown>) => tenant.ok('PATCH', `/v1/customers/${id}`, change);

test('an endpoint gets the events of a record while it meets the filter, that by which it comes to and that by which it no longer does', async () => {
  await tenant.endpoint(receiver.url, filtered('tags:vip'));

  const id = await tenant.createCustomer('Ada');
  await patch(id, { jobTitle: 'not yet' });
  await patch(id, { tags: ['vip'] });
  await patch(id, { jobTitle: 'now' });
  await patch(id, { tags: [] });
  await patch(id, { jobTitle: 'no more' });
  await tenant.ok('DELETE', `/v1/customers/${id}`);
  const types = await eventsOf(id);

  expect(types).toEqual(['customer.updated', 'customer.updated', 'customer.updated']);
  const fields = receiver.taken.flatMap(({ event }) =>
    event.data['recordId'] === id ? [event.data['changedFields']] : [],
  );
  expect(fields).toEqual([['tags'], ['jobTitle'], ['tags']]);
});

test('a record that is deleted counts as it was before, one that is brought back as it is after', async () => {
  await tenant.endpoint(receiver.url, filtered('tags:vip'));

  const id = await tenant.createCustomer('Ada', { tags: ['vip'] });
  await tenant.ok('DELETE', `/v1/customers/${id}`);
  await tenant.ok('POST', `/v1/customers/${id}:undelete`);

  expect(await eventsOf(id)).toEqual(['customer.created', 'customer.deleted', 'customer.undeleted']);
});

test('fields still count beside a filter', async () => {
  const filter = '(tags:vip AND displayName = ada) OR jobTitle = last';
  await tenant.endpoint(receiver.url, { ...filtered(filter), fields: ['jobTitle'] });

  const id = await tenant.createCustomer('Ada', { tags: ['vip'] });
  await Promise.all([patch(id, { jobTitle: 'a' }), patch(id, { source: 'b' })]);
  await patch(id, { displayName: 'Bob' });
  await patch(id, { jobTitle: 'c' });

  expect(await eventsOf(id)).toEqual(['customer.created', 'customer.updated']);
});

test('custom fields are compared as their type says, from the moment on at which they are defined', async () => {
  const field = { displayName: 'Seats', type: 'NUMBER', recordType: 'customer' };
  await tenant.ok('POST', '/v1/customFields', { key: 'seats', ...field });
  await tenant.endpoint(receiver.url, filtered('customFields.seats > 9 OR jobTitle = last'));

  const few = await tenant.createCustomer('Few', { customFields: { seats: 9 } });
  const many = await tenant.createCustomer('Many', { customFields: { seats: 10 } });

  expect(await eventsOf(many)).toEqual(['customer.created']);
  expect(await eventsOf(few)).toEqual([]);
});

test('types without a filter are not filtered, and deals are by their own fields', async () => {
  const { id: pipelineId } = await tenant.ok<{ id: string }>('POST', '/v1/pipelines', {
    name: 'Sales',
    stages: [{ key: 'open', name: 'Open', kind: 'OPEN' }],
  });
  const more = filtered('amount >= "EUR 1000"', 'deal');
  await tenant.endpoint(receiver.url, { eventTypes: ['customer.*', 'deal.*'], ...more });

  const deal = (title: string, amount: string) =>
    tenant.ok<{ id: string }>('POST', '/v1/deals', {
      ...{ title, pipelineId, stage: 'open', amount: { amount, currencyCode: 'EUR' } },
    });
  const small = await deal('Small', '999.99');
  const big = await deal('Big', '1000');

  expect(await eventsOf(big.id)).toEqual(['deal.created']);
  expect(await eventsOf(small.id)).toEqual([]);
});

test('a replay sends what the filter lets through by what the records were at the changes', async () => {
  const startTime = new Date(Date.now() - 60_000).toISOString();
  const wide = await tenant.endpoint(receiver.url);
  const ada = await tenant.createCustomer('Ada');
  await patch(ada, { tags: ['vip'] });
  const bob = await tenant.createCustomer('Bob');
  expect(await eventsOf(bob)).toEqual(['customer.created']);
  const endTime = new Date(Date.now() + 60_000).toISOString();

  await tenant.ok('PATCH', `/v1/webhookEndpoints/${wide.id}`, filtered('tags:vip'));
  const replayed = await tenant.ok('POST', `/v1/webhookEndpoints/${wide.id}:replay`, { startTime, endTime });

  // The update of Ada, and the creation of the last one.
  expect(replayed).toEqual({ count: 2 });
});

test.each([
  ['tags:vip AND', 400, 'FILTER_SYNTAX', 'at character 10: AND joins nothing here'],
  ['tags:vip AND nick = x', 400, 'FILTER_FIELD_UNKNOWN', 'at character 14: nick is no field'],
  ['createTime > x', 400, 'FILTER_VALUE_INVALID', 'at character 14: createTime must be a time'],
  ['customFields.none = 1', 400, 'FILTER_FIELD_UNKNOWN', 'none is not defined'],
  ['company.displayName = x', 400, 'FILTER_FIELD_UNKNOWN', 'is about another record'],
  ['ownerId = me', 400, 'FILTER_WITHOUT_USER', 'at character 11: ownerId is not compared with me here'],
])('refuses the filter %s and says where it is wrong', async (filter, status, code, detail) => {
  const create = await tenant.send('POST', '/v1/webhookEndpoints', {
    ...{ url, eventTypes: ['*'], filters: [{ recordType: 'deal', filter: 'tags:x' }, ...filtered(filter).filters] },
  });
  const { id } = await tenant.endpoint(url);
  const update = await tenant.send('PATCH', `/v1/webhookEndpoints/${id}`, filtered(filter));

  const problem = (pointer: string) => ({
    status,
    body: { errors: [{ in: 'body', pointer, code, detail: expect.stringContaining(detail) as string }] },
  });
  expect(create).toMatchObject(problem('/filters/1/filter'));
  expect(update).toMatchObject(problem('/filters/0/filter'));
  expect(await tenant.getEndpoint(id)).toMatchObject({ filters: [] });
});

test.each([
  ['of a type that there is not', filtered('id:*', 'order'), '/filters/0/recordType', 'TYPE_NOT_FILTERED'],
  ['of a type without filters', filtered('id:*', 'association'), '/filters/0/recordType', 'TYPE_NOT_FILTERED'],
  [
    'of a type that has one',
    { filters: [...filtered('id:*').filters, ...filtered('tags:x').filters] },
    ...(['/filters/1/recordType', 'DUPLICATE'] as const),
  ],
])('refuses a filter %s', async (_, filters, pointer, code) => {
  const answer = await tenant.send('POST', '/v1/webhookEndpoints', { url, eventTypes: ['*'], ...filters });

  expect(answer).toMatchObject({ status: 400, body: { errors: [{ in: 'body', pointer, code }] } });
});

test('a filter takes the permission to read the records, and no endpoint that hides personal data has one on it', async () => {
  const rights = { permissions: ['webhooks.write', 'webhooks.read', 'customers.read'] };
  const [some, hiding] = [await tenant.withKey(rights), await tenant.withKey({ ...rights, hidesPii: true })];
  const create = (by: WebhookTenant, filters: object) =>
    by.send('POST', '/v1/webhookEndpoints', { url, eventTypes: ['customer.*'], ...filters });

  expect(await create(some, filtered('title = x', 'deal'))).toMatchObject({
    ...{ status: 403, body: { code: 'PERMISSION_MISSING' } },
  });
  const refused = {
    status: 403,
    body: { code: 'FIELD_HIDDEN', errors: [{ pointer: '/filters/0/filter', code: 'FIELD_HIDDEN' }] },
  };
  expect(await create(hiding, filtered('emails:a@example.com'))).toMatchObject(refused);
  const plain = await create(hiding, filtered('tags:vip'));
  expect(plain.status).toBe(201);
  // The endpoint hides personal data, regardless of the caller that changes it.
  const path = (id: unknown) => `/v1/webhookEndpoints/${String(id)}`;
  expect(await tenant.send('PATCH', path(plain.body['id']), filtered('emails:a@example.com'))).toMatchObject(refused);
  // A caller without access to them cannot change an endpoint that filters by them.
  const seeing = await create(some, filtered('emails:a@example.com'));
  expect(await hiding.send('PATCH', path(seeing.body['id']), { description: 'Ours' })).toMatchObject(refused);
  expect(await hiding.send('PATCH', path(seeing.body['id']), { filters: [] })).toMatchObject({
    ...{ status: 200, body: { hidesPersonalData: true, filters: [] } },
  });
});

test('days of a filter are those of the time zone that the workspace has set', async () => {
  const zones = ['Pacific/Kiritimati', 'Pacific/Pago_Pago'];
  const ids: string[][] = [];
  await tenant.ok('POST', '/v1/customFields', {
    ...{ key: 'due', displayName: 'Due', type: 'DATE', recordType: 'customer' },
  });
  await tenant.endpoint(receiver.url, filtered('customFields.due = today OR jobTitle = last'));
  // They are never the same day, with 25 hours between them.
  const today = zones.map((timeZone) => new Intl.DateTimeFormat('en-CA', { timeZone }).format());
  for (const timeZone of zones) {
    await tenant.ok('PATCH', '/v1/settings', { timeZone });
    const made: string[] = [];
    for (const due of today) made.push(await tenant.createCustomer('Due', { customFields: { due } }));
    ids.push(made);
    await eventsOf(made[1] ?? '');
  }

  const got = new Set(receiver.taken.map(({ event }) => event.data['recordId']));
  expect(ids.map((made) => made.map((id) => got.has(id)))).toEqual([
    [true, false],
    [false, true],
  ]);
});
