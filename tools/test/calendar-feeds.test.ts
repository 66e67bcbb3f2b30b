import { sharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';
import { ConsoleUser } from './console-user.ts';
import { newPerson } from './people.ts';

const platform = await sharedPlatform(inject('platformUrl'));
const workspace = `feeds-${crypto.randomUUID()}`;
let api: ApiClient;

beforeAll(async () => {
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Feeds', undefined, workspace)).apiKey);
}, 120_000);

async function send(method: string, path: string, body: object = {}): Promise<Record<string, string>> {
  const answer = await api.send(method, path, { body });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body as Record<string, string>;
}

/** The status of a feed, which shows the meeting of its owner. */
async function statusOf(feed: string): Promise<number> {
  const answer = await fetch(platform.edgeUrl + feed);
  const text = await answer.text();
  expect(text.includes('SUMMARY:Review')).toBe(answer.ok);
  return answer.status;
}

const permissions = ['meetings.read', 'tasks.read'];
const meeting = (ownerId: string) => {
  const startTime = new Date(Date.now() + 3_600_000).toISOString();
  return send('POST', '/v1/meetings', { subject: 'Review', startTime, ownerId });
};

it('a feed leads nowhere as soon as and as long as its user has not the rights to create it', async () => {
  const { id: roleId } = await send('POST', '/v1/roles', { displayName: 'Feeds', permissions, recordScope: 'OWN' });
  const person = await newPerson(platform, api, [String(roleId)]);
  const user = await ConsoleUser.signIn(platform.edgeUrl, workspace, person);
  const { path } = (await (await user.call('POST', '/v1/calendarFeeds', { body: {} })).json()) as { path: string };
  await meeting(person.id);
  expect(await statusOf(path)).toBe(200);

  const [role, account] = [`/v1/roles/${roleId}`, `/v1/users/${person.id}`];
  for (const [target, lost, given] of [
    [role, { permissions: ['tasks.read'] }, { permissions }],
    [role, { permissions: ['meetings.read'] }, { permissions }],
    [role, { hidesPii: true }, { hidesPii: false }],
    [account, { roleIds: ['member'], state: 'DISABLED' }, { roleIds: [roleId], state: 'ACTIVE' }],
  ] as const) {
    await send('PATCH', target, lost);
    expect(await statusOf(path), JSON.stringify(lost)).toBe(404);
    await send('PATCH', target, given);
    expect(await statusOf(path), JSON.stringify(given)).toBe(200);
  }
});

it('a feed of an API key ends with the key', async () => {
  const { id, key } = await send('POST', '/v1/apiKeys', { displayName: 'Feeds', permissions });
  const { body } = await api.of(platform.edgeUrl, String(key)).send('POST', '/v1/calendarFeeds');
  const { path } = body as { path: string };
  await meeting(String(id));
  expect(await statusOf(path)).toBe(200);

  await send('POST', `/v1/apiKeys/${id}:revoke`);
  expect(await statusOf(path)).toBe(404);
});
