import { sharedPlatform } from '@rapport/testing';
import pg from 'pg';
import { beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;

beforeAll(async () => {
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Owners')).apiKey);
}, 120_000);

interface Made {
  id: string;
  etag: string;
}

async function create(path: string, body: object, by = api): Promise<Made> {
  const answer = await by.send('POST', path, { body });
  expect(answer).toMatchObject({ status: 201 });
  return answer.body as Made;
}

function newUser(by = api): Promise<Made> {
  const email = `${crypto.randomUUID()}@example.com`;
  return create('/v1/users', { email, displayName: 'Ada', roleIds: ['read-only'] }, by);
}

const customer = (values: object) => ({ kind: 'PERSON', displayName: 'Grace', ...values });
const refusal = (pointer: string, code: string) => ({
  status: 400,
  body: { code: 'VALIDATION_FAILED', errors: [{ in: 'body', pointer, code }] },
});

it('a record gets an owner that exists: a user as soon as it is invited, a disabled one, or an API key', async () => {
  const user = await newUser();
  const key = await create('/v1/apiKeys', { displayName: 'import', permissions: ['customers.read'] });
  const team = await create('/v1/teams', { displayName: 'North' });

  for (const owner of [{ ownerId: user.id }, { ownerId: key.id }, { ownerTeamId: team.id }])
    expect(await create('/v1/customers', customer(owner))).toMatchObject(owner);
  const disabled = await newUser();
  await api.send('PATCH', `/v1/users/${disabled.id}`, { body: { state: 'DISABLED' } });
  await create('/v1/customers', customer({ ownerId: disabled.id }));
});

it('a record gets no owner that does not exist, nor one of another workspace', async () => {
  const other = api.of(platform.edgeUrl, (await platform.createTenant('Others')).apiKey);
  const stranger = await newUser(other);
  const team = await create('/v1/teams', { displayName: 'South' });
  const { id } = await create('/v1/customers', customer({}));

  for (const ownerId of [crypto.randomUUID(), stranger.id, id, team.id]) {
    const refused = refusal('/ownerId', 'USER_NOT_FOUND');
    expect(await api.send('POST', '/v1/customers', { body: customer({ ownerId }) })).toMatchObject(refused);
    expect(await api.send('PATCH', `/v1/customers/${id}`, { body: { ownerId } })).toMatchObject(refused);
  }
  const body = customer({ ownerTeamId: crypto.randomUUID() });
  expect(await api.send('POST', '/v1/customers', { body })).toMatchObject(refusal('/ownerTeamId', 'TEAM_NOT_FOUND'));
});

it('an upsert and an item of a batch are refused like a create', async () => {
  const emails = [{ address: `${crypto.randomUUID()}@example.com` }];
  const given = customer({ ownerId: crypto.randomUUID(), emails });
  const upserted = await api.send('POST', '/v1/customers:upsert?match=EMAIL', { body: given });
  const items = [{ customer: given }, { customer: customer({}) }];
  const batch = await api.send('POST', '/v1/customers:batchCreate', { body: { mode: 'PER_ITEM', items } });

  expect(upserted).toMatchObject(refusal('/ownerId', 'USER_NOT_FOUND'));
  const errors = [{ pointer: '/items/0/customer/ownerId', code: 'USER_NOT_FOUND' }];
  expect(batch).toMatchObject({ status: 200, body: { results: [{ problem: { errors } }, { customer: {} }] } });
});

it.each([
  [
    '/v1/assignmentRules',
    { name: 'Leads', recordType: 'lead', method: 'FIXED', members: [{ userId: crypto.randomUUID() }] },
    '/members/0/userId',
    'USER_NOT_FOUND',
  ],
  [
    '/v1/macros',
    { name: 'Mine', actions: [{ setAssignee: { userId: crypto.randomUUID() } }] },
    '/actions/0/setAssignee/userId',
    'USER_NOT_FOUND',
  ],
  ['/v1/queues', { key: 'south', name: 'South', teamIds: [crypto.randomUUID()] }, '/teamIds/0', 'TEAM_NOT_FOUND'],
])('POST %s refuses what does not exist: %j', async (path, body, pointer, code) => {
  expect(await api.send('POST', path, { body })).toMatchObject(refusal(pointer, code));
});

it('a ticket is assigned to nobody who does not exist, is followed by no such user, and mentions none', async () => {
  const { id: customerId } = await create('/v1/customers', customer({}));
  const { id } = await create('/v1/tickets', { subject: 'Help', customerId });
  const userId = crypto.randomUUID();
  const note = { text: 'See this.', mentions: [userId] };

  const assigned = await api.send('POST', `/v1/tickets/${id}:assign`, { body: { userId } });
  const followed = await api.send('PATCH', `/v1/tickets/${id}`, { body: { followerIds: [userId] } });
  const noted = await api.send('POST', `/v1/tickets/${id}:addNote`, { body: note });

  expect(assigned).toMatchObject(refusal('/userId', 'USER_NOT_FOUND'));
  expect(followed).toMatchObject(refusal('/followerIds/0', 'USER_NOT_FOUND'));
  expect(noted).toMatchObject(refusal('/mentions/0', 'USER_NOT_FOUND'));
});

it('a text notifies nobody whom it mentions and who is no user of the workspace', async () => {
  const other = api.of(platform.edgeUrl, (await platform.createTenant('Others')).apiKey);
  const [own, stranger] = [await newUser(), await newUser(other)];
  const unknown = crypto.randomUUID();
  const text = [own.id, stranger.id, unknown].map((id) => `@[Ada](users/${id})`).join(' ');
  const { id: customerId } = await create('/v1/customers', customer({}));
  const { id: ticketId } = await create('/v1/tickets', { subject: 'Help', customerId });

  await create('/v1/notes', { body: text, related: [{ type: 'customer', id: customerId }] });
  await create('/v1/tasks', { subject: 'Call', description: text });
  expect(await api.send('POST', `/v1/tickets/${ticketId}:addNote`, { body: { text } })).toMatchObject({ status: 200 });

  const client = new pg.Client(platform.customersDatabase.superuserUrl);
  await client.connect();
  const found = await client.query<{ user_id: string }>(
    'select user_id from notification where user_id = any ($1::uuid[])',
    [[own.id, stranger.id, unknown]],
  );
  await client.end();
  expect(found.rows).toEqual(Array.from({ length: 3 }, () => ({ user_id: own.id })));
});
