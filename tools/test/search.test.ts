import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;
let pipelineId: string;
beforeEach(async () => {
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Searchers')).apiKey);
  const stages = [{ key: 'lead', name: 'Lead', kind: 'OPEN' }];
  pipelineId = await create('/v1/pipelines', { name: 'Zaphod', stages });
});

async function create(path: string, body: object, by = api): Promise<string> {
  const answer = await by.send('POST', path, { body });
  expect(answer).toMatchObject({ status: 201 });
  return (answer.body as { id: string }).id;
}

async function withKey(rights: object): Promise<ApiClient> {
  const permissions = ['customers.read', 'customers.write', 'pipelines.read', 'deals.read', 'deals.write'];
  const body = { displayName: 'Limited', permissions, ...rights };
  const { key } = (await api.send('POST', '/v1/apiKeys', { body })).body as { key: string };
  return ApiClient.connect(platform.edgeUrl, key);
}

async function search(query: string, by = api): Promise<{ results: object[]; types: object[] }> {
  const { status, headers, body } = await by.send('GET', `/v1/search?${query}`);
  expect([status, headers.get('cache-status')]).toEqual([200, null]);
  return body as { results: object[]; types: object[] };
}

it('a record of any type is found as soon as it is written, renamed or deleted', async () => {
  const id = await create('/v1/customers', { kind: 'COMPANY', displayName: 'Zaphodine', domains: ['zaphod.example'] });
  const deal = await create('/v1/deals', { title: 'Not yet', pipelineId, stage: 'lead' });
  await search('q=zaphod');
  await api.send('PATCH', `/v1/deals/${deal}`, { body: { title: 'Zaphod' } });

  expect(await search('q=zaphod')).toEqual({
    results: [
      {
        type: 'deal',
        id: deal,
        title: 'Zaphod',
        detail: 'lead',
        match: 'TITLE',
        matchedField: 'title',
        updateTime: time,
      },
      { type: 'pipeline', id: pipelineId, title: 'Zaphod', match: 'TITLE', matchedField: 'name', updateTime: time },
      {
        ...{ type: 'customer', id, title: 'Zaphodine', detail: 'zaphod.example', match: 'WORD_START' },
        ...{ matchedField: 'displayName', updateTime: time },
      },
    ],
    types: expect.arrayContaining(
      ['customObject', 'customer', 'deal', 'pipeline', 'task'].map((type) => ({ type, hasMore: false })),
    ) as object[],
  });
  await api.send('DELETE', `/v1/customers/${id}`);
  expect((await search('q=zaphod&types=customer&types=deal&pageSize=1')).results).toMatchObject([{ id: deal }]);
});

const time: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

it('a caller finds only visible records, by visible values', async () => {
  const theirs = await create('/v1/customers', { kind: 'COMPANY', displayName: 'Zaphod' });
  await create('/v1/deals', { title: 'Zaphod', pipelineId, stage: 'lead' });
  const own = await withKey({ recordScope: 'OWN' });
  const mine = await create('/v1/customers', { kind: 'COMPANY', displayName: 'Zaphod Ltd' }, own);
  const stranger = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Strangers')).apiKey);
  const customersOnly = await withKey({ permissions: ['customers.read'] });

  expect((await search('q=zaphod', own)).results).toMatchObject([{ id: pipelineId }, { id: mine }]);
  expect((await search('q=zaphod', stranger)).results).toEqual([]);
  expect(await search('q=zaphod', customersOnly)).toMatchObject({
    results: [{ id: theirs }, { id: mine }],
    types: [{ type: 'customer', hasMore: false }],
  });
  expect(await customersOnly.send('GET', '/v1/search?q=zaphod&types=deal')).toMatchObject({
    status: 403,
    body: { code: 'PERMISSION_MISSING', metadata: { permission: 'deals.read' } },
  });
  expect(await (await withKey({ hidesPii: true })).send('GET', '/v1/search?q=zaphod')).toMatchObject({
    status: 403,
    body: { code: 'FIELD_HIDDEN' },
  });
});

it.each([
  ['types=deal', '/q', 'REQUIRED'],
  ['q=z', '/q', 'TOO_SHORT'],
  ['q=zaphod&types=invoice', '/types/0', 'RECORD_TYPE_UNKNOWN'],
  ['q=zaphod&pageSize=0', '/pageSize', 'TOO_SMALL'],
])('%s is refused with the parameter and why', async (query, pointer, code) => {
  expect(await api.send('GET', `/v1/search?${query}`)).toMatchObject({
    ...{ status: 400, body: { errors: [{ in: 'query', pointer, code }] } },
  });
});
