import { sharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';
import { mailedLink } from './people.ts';
import { untilRefused } from './until-refused.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;

beforeAll(async () => {
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Acme')).apiKey);
}, 120_000);

const body = <Body>(answer: { body: unknown }) => answer.body as Body;

it('invites a user by mail, who accepts without a credential', async () => {
  const email = `${crypto.randomUUID()}@example.com`;
  const ada = { email, displayName: 'Ada', roleIds: ['read-only'] };
  const invited = await api.send('POST', '/v1/users', { body: ada });
  const token = new URL(await mailedLink(platform, email)).searchParams.get('token');
  const accept = (password: string) =>
    fetch(`${platform.edgeUrl}/v1/invitations:accept`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, password }),
    });

  const refused = await accept('qwertyuiop');
  const accepted = await accept('dust jigsaw plinth');

  expect(token).toMatch(/^[\w-]{64}$/);
  expect(invited).toMatchObject({ status: 201, body: { ...ada, state: 'INVITED' } });
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ errors: [{ in: 'body', pointer: '/password' }] });
  expect(accepted.status).toBe(200);
  expect(await accepted.json()).toMatchObject({ id: body<{ id: string }>(invited).id, state: 'ACTIVE' });
});

it('answers the fourth request for a reset of a password in an hour by the code that the operation lists', async () => {
  const account = { workspace: crypto.randomUUID(), email: 'ada@example.com' };
  const request = () => api.send('POST', '/v1/passwordResets:request', { body: account });

  for (let time = 0; time < 3; time += 1) expect((await request()).status).toBe(204);
  expect(await request()).toMatchObject({ status: 429, body: { code: 'TOO_MANY_ATTEMPTS' } });
});

it('changes the fields of a role in the body, and refuses a stale etag', async () => {
  const role = { displayName: 'Support', permissions: ['customers.read'], recordScope: 'TEAM' };
  const made = await api.send('POST', '/v1/roles', { body: role });
  const path = `/v1/roles/${body<{ id: string }>(made).id}`;
  const change = () =>
    api.send('PATCH', path, { body: { hidesPii: true }, headers: { 'if-match': made.headers.get('etag') ?? '' } });

  expect(await change()).toMatchObject({ status: 200, body: { ...role, hidesPii: true } });
  expect((await change()).status).toBe(412);
  expect((await api.send('DELETE', path)).status).toBe(204);
});

it('accepts the new secret of a key at once, and refuses the old one', async () => {
  const made = await api.send('POST', '/v1/apiKeys', { body: { displayName: 'import', permissions: ['tenant.read'] } });
  const { id, key } = body<{ id: string; key: string }>(made);
  const statusFor = async (secret: string) => {
    const headers = { authorization: `Bearer ${secret}` };
    return (await fetch(`${platform.edgeUrl}/v1/tenant`, { headers })).status;
  };
  expect(await statusFor(key)).toBe(200);

  const rotated = await api.send('POST', `/v1/apiKeys/${id}:rotate?graceSeconds=0`);

  expect(await statusFor(body<{ key: string }>(rotated).key)).toBe(200);
  await untilRefused(() => statusFor(key));
});

it('gives no records by rules to a user that is disabled or deleted, and gives them again once it is enabled', async () => {
  const invite = async (displayName: string) => {
    const user = { email: `${crypto.randomUUID()}@example.com`, displayName, roleIds: ['read-only'] };
    return body<{ id: string }>(await api.send('POST', '/v1/users', { body: user })).id;
  };
  const create = async () => {
    const made = await api.send('POST', '/v1/customers', { body: { kind: 'PERSON', displayName: 'Grace' } });
    return body<{ id: string; ownerId?: string }>(made);
  };
  const [first, second] = [await invite('Ada'), await invite('Ben')];
  const { id: recordId } = await create();
  const members = [{ userId: first }, { userId: second }];
  const made = await api.send('POST', '/v1/assignmentRules', {
    body: { name: 'Customers', recordType: 'customer', method: 'FIXED', members },
  });
  const path = `/v1/assignmentRules/${body<{ id: string }>(made).id}`;
  const tried = async () => (await api.send('POST', `${path}:test`, { body: { recordId } })).body;
  const setState = (state: string) => api.send('PATCH', `/v1/users/${first}`, { body: { state } });
  const patience = { timeout: 60_000, interval: 200 };
  const isSkipped = { userId: second, skipped: [{ userId: first, reason: 'INACTIVE' }] };
  expect(await tried()).toMatchObject({ userId: first, skipped: [] });

  expect(await setState('DISABLED')).toMatchObject({ status: 200 });
  await expect.poll(tried, patience).toMatchObject(isSkipped);
  expect((await create()).ownerId).toBe(second);
  // Nobody has accepted the invitation.
  expect(await setState('INVITED')).toMatchObject({ status: 200 });
  await expect.poll(tried, patience).toMatchObject({ userId: first, skipped: [] });
  expect(await api.send('DELETE', `/v1/users/${first}`)).toMatchObject({ status: 204 });
  await expect.poll(tried, patience).toMatchObject(isSkipped);
  await api.send('DELETE', path);
});
