import { sharedPlatform } from '@rapport/testing';
import * as client from 'openid-client';
import { beforeEach, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';
import { untilKept } from './until-kept.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;
/** Ids of records, by object. */
let ids: Readonly<Record<'car' | 'boat', string>>;
beforeEach(async () => {
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Fleet')).apiKey);
  const record = async (key: string) => {
    await create('customObjects', { key, displayName: key });
    return (await create(`objects/${key}/records`, { name: `Zephyr of ${key}` }))['id']!;
  };
  ids = { car: await record('car'), boat: await record('boat') };
});

async function create(path: string, body: object, by = api): Promise<Record<string, string>> {
  const answer = await by.send('POST', `/v1/${path}`, { body });
  expect([answer.status, answer.body]).toEqual([201, expect.anything()]);
  return answer.body as Record<string, string>;
}

async function withKey(permissions: string[], by = api): Promise<ApiClient> {
  const { key } = await create('apiKeys', { displayName: 'Limited', permissions }, by);
  return api.of(platform.edgeUrl, key!);
}

const lacking = (permission: string) => ({
  ...{ status: 403, body: { code: 'PERMISSION_MISSING', metadata: { permission } } },
});

it('a key for one object reads its records, and none of another, even if the edge has cached them', async () => {
  const reader = await withKey(['objects.car.read']);
  const of = (object: 'car' | 'boat') => {
    const records = `/v1/objects/${object}/records`;
    const id = ids[object];
    return [records, `${records}/${id}`, `${records}:batchGet?ids=${id}`, `${records}:aggregate`];
  };
  for (const path of [...of('car'), ...of('boat')]) await untilKept(api, path);

  for (const path of [...of('car'), `/v1/objects/car/records/${ids.car}/history`]) {
    expect(await reader.send('GET', path)).toMatchObject({ status: 200 });
  }
  for (const path of [...of('boat'), `/v1/objects/boat/records/${ids.boat}/history`]) {
    expect(await reader.send('GET', path)).toMatchObject(lacking('objects.boat.read'));
  }
  // Concurrent gets are joined into one call to the service.
  const asked = Array.from({ length: 20 }, (_, number) => (number % 2 === 0 ? ('car' as const) : ('boat' as const)));
  const statuses = await Promise.all(
    asked.map(async (object) => {
      const headers = { 'cache-control': 'no-cache' };
      const answer = await reader.send('GET', `/v1/objects/${object}/records/${ids[object]}`, { headers });
      return answer.status;
    }),
  );
  expect(statuses).toEqual(asked.map((object) => (object === 'car' ? 200 : 403)));
  expect(await reader.send('GET', `/v1/objects/car/records/${ids.boat}`)).toMatchObject({ status: 404 });
  const body = { name: 'Theirs' };
  expect(await reader.send('POST', '/v1/objects/car/records', { body })).toMatchObject(lacking('objects.car.write'));
  expect(await reader.send('GET', '/v1/customObjects')).toMatchObject(lacking('customObjects.read'));
});

it('a search of a caller for one object finds its records only', async () => {
  const reader = await withKey(['customers.read', 'objects.car.read']);

  const found = async (by: ApiClient) => {
    const { results } = (await by.send('GET', '/v1/search?q=zephyr')).body as { results: { id: string }[] };
    return results.map(({ id }) => id).toSorted();
  };
  expect(await found(api)).toEqual(Object.values(ids).toSorted());
  expect(await found(reader)).toEqual([ids.car]);
  expect(await reader.send('GET', '/v1/search?q=zephyr&types=objects.boat')).toMatchObject(
    lacking('objects.boat.read'),
  );
});

it('permissions for one object can be granted with those for all objects or for this one', async () => {
  const role = { displayName: 'Fleet', permissions: ['objects.car.read', 'objects.car.write'] };
  expect(await create('roles', role)).toMatchObject(role);
  const all = await withKey(['apiKeys.write', 'objects.read']);
  const one = await withKey(['apiKeys.write', 'objects.car.read']);
  const give = (by: ApiClient, permission: string) =>
    by.send('POST', '/v1/apiKeys', { body: { displayName: 'Given', permissions: [permission] } });

  for (const by of [all, one]) expect(await give(by, 'objects.car.read')).toMatchObject({ status: 201 });
  for (const permission of ['objects.read', 'objects.boat.read', 'objects.car.write']) {
    expect(await give(one, permission)).toMatchObject({ status: 403, body: { code: 'PERMISSION_NOT_HELD' } });
  }
  expect(await give(all, 'objects.car.fly')).toMatchObject({ status: 400 });
  expect(await give(all, 'customers.car.read')).toMatchObject({ status: 400 });
});

it('a token has the rights of its scope, for one object, from a client for all objects or for one', async () => {
  const insecure = { execute: [client.allowInsecureRequests] };
  for (const permission of ['objects.read', 'objects.car.read']) {
    const made = await create('oauthClients', {
      ...{ displayName: 'Nightly', confidential: true, grantTypes: ['CLIENT_CREDENTIALS'], permissions: [permission] },
    });
    const url = new URL(platform.edgeUrl);
    const configuration = await client.discovery(url, made['clientId']!, made['secret'], undefined, insecure);
    const grant = await client.clientCredentialsGrant(configuration, { scope: 'objects.car.read' });
    const reader = api.of(platform.edgeUrl, grant.access_token);

    expect(await reader.send('GET', '/v1/objects/car/records')).toMatchObject({ status: 200 });
    expect(await reader.send('GET', '/v1/objects/boat/records')).toMatchObject(lacking('objects.boat.read'));
  }
});
