import { sharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';

const mergePatch = 'application/merge-patch+json';

const platform = await sharedPlatform(inject('platformUrl'));
let apiKey: string;
let api: ApiClient;

beforeAll(async () => {
  ({ apiKey } = await platform.createTenant('Forms'));
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
}, 120_000);

async function create(path: string, body: object): Promise<Record<string, unknown> & { id: string }> {
  const answer = await api.send('POST', path, { body });
  expect(answer.status).toBe(201);
  return answer.body as Record<string, unknown> & { id: string };
}

/** A POST with the content type of JSON and no body, as many clients send it: with a length of 0, or chunked. */
async function postNothing(path: string, isChunked: boolean) {
  const body = isChunked ? new ReadableStream({ start: (stream) => stream.close() }) : '';
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  return fetch(platform.edgeUrl + path, { method: 'POST', headers, body, ...(isChunked && { duplex: 'half' }) });
}

it('a JSON Merge Patch works as a PATCH in JSON: null clears, a list is replaced, other fields stay', async () => {
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

it('a JSON Merge Patch is refused on other methods, and in another charset', async () => {
  const sent = async (method: string, path: string, type: string) =>
    (await api.send(method, path, { headers: { 'content-type': type }, body: '{"displayName":"x"}' })).status;
  expect(await sent('POST', '/v1/customers', mergePatch)).toBe(415);
  const { id } = await create('/v1/teams', { displayName: 'Forms' });
  expect(await sent('PATCH', `/v1/teams/${id}`, `${mergePatch}; charset=utf-16`)).toBe(415);
  expect(await sent('PATCH', `/v1/teams/${id}`, mergePatch)).toBe(200);
});

it.each([false, true])('an empty JSON body is refused only where a body is needed (chunked: %s)', async (isChunked) => {
  const { id } = await create('/v1/oauthClients', {
    ...{ displayName: 'x', confidential: true, grantTypes: ['CLIENT_CREDENTIALS'], permissions: ['customers.read'] },
  });
  const withoutBody = await postNothing(`/v1/oauthClients/${id}:rotateSecret`, isChunked);
  const optional = await postNothing('/v1/securityEvents:verify', isChunked);
  const needed = await postNothing('/v1/teams', isChunked);
  const headers = { authorization: `Bearer ${apiKey}` };
  const untyped = await fetch(`${platform.edgeUrl}/v1/securityEvents:verify`, { method: 'POST', headers });

  expect([withoutBody, optional, untyped, needed].map(({ status }) => status)).toEqual([200, 200, 200, 400]);
});

it('the document has the body types of each operation, and its possible 304', () => {
  const operations = Object.entries(api.openApi.paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) => ({ name: `${verb} ${path}`, verb, ...operation })),
  );
  for (const { name, verb, requestBody } of operations) {
    const types = Object.keys(requestBody?.content ?? {});
    expect(types.includes(mergePatch), name).toBe(verb === 'patch');
  }
  const conditional = operations.filter(({ responses }) => '304' in responses);
  expect(conditional.every(({ verb }) => verb === 'get')).toBe(true);
  for (const { name, parameters } of conditional)
    expect(
      parameters.map((parameter) => parameter.name),
      name,
    ).toContain('If-None-Match');
  const verify = api.openApi.paths['/v1/securityEvents:verify']?.['post'];
  expect(verify?.requestBody).toMatchObject({ required: false });
});

it('a read answers 304 to its own etag exactly when the document has a 304', async () => {
  const { id } = await create('/v1/customers', { kind: 'COMPANY', displayName: 'Acme' });
  const team = await create('/v1/teams', { displayName: 'Conditional' });
  const paths = {
    '/v1/customers/{id}': `/v1/customers/${id}`,
    '/v1/customers': '/v1/customers',
    '/v1/customFields': '/v1/customFields',
    '/v1/teams/{id}': `/v1/teams/${team.id}`,
    '/v1/teams': '/v1/teams',
    '/v1/tenant': '/v1/tenant',
  };
  for (const [template, path] of Object.entries(paths)) {
    const etag = (await api.send('GET', path)).headers.get('etag');
    const isConditional = '304' in (api.openApi.paths[template]?.['get']?.responses ?? {});
    expect(etag !== null, template).toBe(isConditional);
    if (etag === null) continue;
    const again = await api.send('GET', path, { headers: { 'if-none-match': etag } });
    expect([again.status, again.headers.get('etag')], template).toEqual([304, etag]);
  }
});
