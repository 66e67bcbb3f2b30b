import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;
let pipelineId: string;
beforeEach(async () => {
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Sellers')).apiKey);
  const stages = ['lead', 'proposal'].map((key) => ({ key, name: key, kind: 'OPEN' }));
  pipelineId = await create('/v1/pipelines', { name: 'New business', stages });
});

async function create(path: string, body: object, by = api): Promise<string> {
  const answer = await by.send('POST', path, { body });
  expect(answer).toMatchObject({ status: 201 });
  return (answer.body as { id: string }).id;
}

function createDeal(title: string, by = api): Promise<string> {
  return create('/v1/deals', { title, pipelineId, stage: 'lead' }, by);
}

async function withKey(rights: object): Promise<ApiClient> {
  const permissions = ['customers.read', 'pipelines.read', 'deals.read', 'deals.write'];
  const body = { displayName: 'Limited', permissions, ...rights };
  const { key } = (await api.send('POST', '/v1/apiKeys', { body })).body as { key: string };
  return ApiClient.connect(platform.edgeUrl, key);
}

async function read(by: ApiClient, path: string): Promise<string> {
  const { status, body } = await by.send('GET', path);
  expect([path, status]).toEqual([path, 200]);
  return JSON.stringify(body);
}

const entriesOf = (id: string) => `/v1/stageEntries?filter=${encodeURIComponent(`deal_id = "${id}"`)}`;

it('callers limited to their own records see the entries of their own deals only', async () => {
  const theirs = await createDeal('Of another user');
  const own = await withKey({ recordScope: 'OWN' });
  const mine = await createDeal('My own', own);

  expect(await read(api, '/v1/stageEntries')).toContain(theirs);
  expect(await read(own, '/v1/stageEntries')).toContain(mine);
  expect(await read(own, '/v1/stageEntries')).not.toContain(theirs);
  expect(await read(own, entriesOf(theirs))).toBe('{"stageEntries":[]}');
});

it('a moved deal is in its new stage at once, in lists, sums and entries too', async () => {
  const id = await createDeal('50 seats');
  const paths = [`/v1/deals/${id}`, '/v1/deals?filter=stage%20%3D%20proposal', '/v1/deals:aggregate?groupBy=stage'];
  for (const path of [...paths, entriesOf(id)]) {
    for (let reads = 0; reads < 3; reads += 1) expect(await read(api, path)).not.toContain('"proposal"');
  }

  expect(await api.send('PATCH', `/v1/deals/${id}`, { body: { stage: 'proposal' } })).toMatchObject({ status: 200 });

  for (const path of [...paths, entriesOf(id)]) expect(await read(api, path)).toContain('"proposal"');
});

it('deals are ordered by several fields, and counted by month in a given time zone', async () => {
  const amounts = [
    ['A', '2'],
    ['B', '10'],
    ['C', '2'],
    ['D', undefined],
  ] as const;
  for (const [title, amount] of amounts) {
    const money = amount === undefined ? {} : { amount: { amount, currencyCode: 'EUR' } };
    await create('/v1/deals', { title, pipelineId, stage: 'lead', closeDate: '2026-01-31', ...money });
  }
  const list = async (query: string) => (await api.send('GET', `/v1/deals?pageSize=3&${query}`)).body as Page;
  const orderBy = `orderBy=${encodeURIComponent('status, amount desc, title desc')}`;

  const first = await list(orderBy);
  const next = await list(`${orderBy}&pageToken=${first.nextPageToken}`);
  expect([...first.deals, ...next.deals].map(({ title }) => title)).toEqual(['B', 'C', 'A', 'D']);
  expect(await api.send('GET', '/v1/deals?orderBy=status,stage')).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/orderBy', code: 'ORDER_NOT_INDEXED' }] },
  });

  const groups = '/v1/deals:aggregate?groupBy=closeDate.month&groupBy=createTime.year&timeZone=Pacific/Auckland';
  const year = new Intl.DateTimeFormat('en', { timeZone: 'Pacific/Auckland', year: 'numeric' });
  expect((await api.send('GET', groups)).body).toMatchObject({
    groups: [{ values: [{ value: '2026-01' }, { value: year.format() }], count: 4 }],
  });
  expect(await api.send('GET', `${groups}/Nowhere`)).toMatchObject({ status: 400 });
});

interface Page {
  deals: { title: string }[];
  nextPageToken?: string;
}

it('a move changes the fields that it has, and clears those that are null', async () => {
  const id = await createDeal('Copper');
  await api.send('PATCH', `/v1/deals/${id}`, { body: { closeDate: '2027-01-31' } });

  const set = { amount: { currencyCode: 'EUR', amount: '12' }, closeDate: null };
  const moved = await api.send('POST', `/v1/deals/${id}:move`, { body: { stage: 'proposal', set } });

  expect(moved).toMatchObject({ status: 200, body: { stage: 'proposal', amount: set.amount, title: 'Copper' } });
  expect(moved.body).not.toHaveProperty('closeDate');
});
