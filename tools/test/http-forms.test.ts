import { sharedPlatform, type SharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';

const mergePatch = 'application/merge-patch+json';

let platform: SharedPlatform;
let api: ApiClient;

beforeAll(async () => {
  platform = await sharedPlatform(inject('platformUrl'));
  const { apiKey } = await platform.createTenant('Forms');
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
}, 120_000);

async function create(path: string, body: object): Promise<Record<string, unknown> & { id: string }> {
  const answer = await api.send('POST', path, { body });
  expect(answer.status).toBe(201);
  return answer.body as Record<string, unknown> & { id: string };
}

it('a JSON Merge Patch is taken as a PATCH in JSON is: null clears, a list is replaced, what is not named stays', async () => {
  await create('/v1/customFields', { key: 'forms_plan', type: 'TEXT' });
  await create('/v1/customFields', { key: 'forms_seats', type: 'TEXT' });
  const { id } = await create('/v1/customers', {
    ...{ kind: 'PERSON', givenName: 'Ada', familyName: 'Lovelace', tags: ['a', 'b'] },
    customFields: { forms_plan: 'gold', forms_seats: '3' },
  });

  const patch = { givenName: null, tags: ['c'], customFields: { forms_plan: null } };
  const headers = { 'content-type': `${mergePatch}; charset=utf-8` };
  const answer = await api.send('PATCH', `/v1/customers/${id}`, { headers, body: JSON.stringify(patch) });

  expect(answer).toMatchObject({
    status: 200,
    body: { familyName: 'Lovelace', tags: ['c'], customFields: { forms_seats: '3' } },
  });
  expect(answer.body).not.toHaveProperty('givenName');
  expect(answer.body).not.toHaveProperty('customFields.forms_plan');
});

it('a JSON Merge Patch is refused where nothing is patched, and in another charset', async () => {
  const sent = async (method: string, path: string, type: string) =>
    (await api.send(method, path, { headers: { 'content-type': type }, body: '{"displayName":"x"}' })).status;
  expect(await sent('POST', '/v1/customers', mergePatch)).toBe(415);
  const { id } = await create('/v1/teams', { displayName: 'Forms' });
  expect(await sent('PATCH', `/v1/teams/${id}`, `${mergePatch}; charset=utf-16`)).toBe(415);
  expect(await sent('PATCH', `/v1/teams/${id}`, mergePatch)).toBe(200);
});

it('the document says of each operation which bodies it takes', () => {
  const operations = Object.entries(api.openApi.paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) => ({ name: `${verb} ${path}`, verb, ...operation })),
  );
  for (const { name, verb, requestBody } of operations) {
    const types = Object.keys(requestBody?.content ?? {});
    expect(types.includes(mergePatch), name).toBe(verb === 'patch');
  }
});
