import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';

interface Association {
  id: string;
  from: string;
  to: string;
  fromCustomerId?: string;
  role?: string;
}

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;
let ada: string;
let deal: string;
beforeEach(async () => {
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Linkers')).apiKey);
  const stages = [{ key: 'lead', name: 'Lead', kind: 'OPEN' }];
  const pipelineId = await create('/v1/pipelines', { name: 'New business', stages });
  ada = await create('/v1/customers', { kind: 'PERSON', displayName: 'Ada' });
  deal = await create('/v1/deals', { title: '50 seats', pipelineId, stage: 'lead' });
});

async function create(path: string, body: object): Promise<string> {
  const answer = await api.send('POST', path, { body });
  expect(answer).toMatchObject({ status: 201 });
  return (answer.body as { id: string }).id;
}

async function linksOf(record: string, by = api): Promise<Association[]> {
  const answer = await by.send('GET', `/v1/associations?record=${encodeURIComponent(record)}`);
  expect(answer).toMatchObject({ status: 200 });
  return (answer.body as { associations: Association[] }).associations;
}

async function withKey(...permissions: string[]): Promise<ApiClient> {
  const { key } = (await api.send('POST', '/v1/apiKeys', { body: { displayName: 'Limited', permissions } })).body as {
    key: string;
  };
  return ApiClient.connect(platform.edgeUrl, key);
}

it('a customer and a deal are linked, listed from both, changed and separated', async () => {
  const link = { from: `customers/${ada}`, to: `deals/${deal}`, type: 'decides_on', role: 'buyer' };
  const made = await api.send('POST', '/v1/associations', { body: link });
  expect(made).toMatchObject({ status: 201, body: link });
  const { id } = made.body as Association;
  expect(made.body).not.toHaveProperty('fromCustomerId');

  expect(await linksOf(`deals/${deal}`)).toEqual([made.body]);
  expect(await linksOf(`customers/${ada}`)).toEqual([made.body]);
  expect((await api.send('GET', `/v1/customers/${ada}/associations`)).body).toMatchObject({ associations: [] });
  const changed = await api.send('PATCH', `/v1/associations/${id}`, { body: { role: 'user' } });
  expect(changed).toMatchObject({ status: 200, body: { id, role: 'user' } });
  expect((await api.send('DELETE', `/v1/associations/${id}`)).status).toBe(200);
  expect(await linksOf(`deals/${deal}`)).toEqual([]);
});

it('a link disappears from every answer as soon as one of its records does', async () => {
  const id = await create('/v1/associations', { from: `customers/${ada}`, to: `deals/${deal}`, type: 'decides_on' });
  expect((await api.send('GET', `/v1/associations/${id}`)).status).toBe(200);

  await api.send('DELETE', `/v1/deals/${deal}`);

  expect((await api.send('GET', `/v1/associations/${id}`)).status).toBe(404);
  expect(await linksOf(`customers/${ada}`)).toEqual([]);
  expect((await api.send('GET', `/v1/associations?record=${encodeURIComponent(`deals/${deal}`)}`)).status).toBe(404);
});

it.each<[string, object, string]>([
  ['names no type', { from: 'orders/019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11' }, '/from'],
  ['is no name', { from: 'deals' }, '/from'],
  ['is missing', {}, '/fromCustomerId'],
])('a problem points to the end that %s', async (_, end, pointer) => {
  const answer = await api.send('POST', '/v1/associations', { body: { ...end, to: `deals/${deal}`, type: 'x' } });
  expect(answer).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
});

it('a key needs the permissions of both record types', async () => {
  const body = { from: `customers/${ada}`, to: `deals/${deal}`, type: 'decides_on' };
  const refused = async (permission: string, ...permissions: string[]) => {
    const answer = await (await withKey(...permissions)).send('POST', '/v1/associations', { body });
    expect(answer).toMatchObject({ status: 403, body: { code: 'PERMISSION_MISSING', metadata: { permission } } });
  };
  await refused('deals.read', 'customers.read', 'customers.write');
  await refused('customers.write', 'customers.read', 'deals.read');
  const seller = await withKey('customers.read', 'deals.read', 'deals.write');
  expect(await seller.send('POST', '/v1/associations', { body })).toMatchObject({ status: 201 });

  expect(await linksOf(`customers/${ada}`, seller)).toHaveLength(1);
  expect(await linksOf(`customers/${ada}`, await withKey('customers.read'))).toEqual([]);
});
