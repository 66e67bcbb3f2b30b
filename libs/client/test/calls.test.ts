import { sharedPlatform } from '@rapport/testing';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { Rapport, RapportError } from '../src/index.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let rapport: Rapport;

beforeAll(async () => {
  const { apiKey } = await platform.createTenant('Calls');
  rapport = new Rapport({ baseUrl: platform.edgeUrl, apiKey });
});

describe('a record', () => {
  test('is created, read, changed and deleted by the fields of its message', async () => {
    const ada = await rapport.customers.create({
      kind: 'PERSON',
      givenName: 'Ada',
      emails: [{ address: 'ada@a.example' }],
    });
    expect(ada).toMatchObject({ displayName: 'Ada', etag: '"1"' });

    const changed = await rapport.customers.update({ id: ada.id, jobTitle: 'Countess' }, { ifMatch: ada.etag });
    expect(changed.jobTitle).toBe('Countess');
    expect(await rapport.customers.get({ id: ada.id })).toEqual(changed);
    expect(await rapport.customers.get({ id: ada.id, readMask: 'jobTitle' })).toEqual({ jobTitle: 'Countess' });

    await rapport.customers.delete({ id: ada.id });
    await expect(rapport.customers.get({ id: ada.id })).rejects.toMatchObject({
      code: 'CUSTOMER_NOT_FOUND',
      status: 404,
    });
    expect((await rapport.customers.undelete({ id: ada.id })).id).toBe(ada.id);
  });

  test('is not created by a request that only validates', async () => {
    await rapport.customers.create({ kind: 'COMPANY', displayName: 'Never', validateOnly: true });
    expect(await rapport.customers.list({ filter: 'displayName = "Never"' }).first(1)).toEqual([]);
  });

  test('of a custom object has the fields of the object', async () => {
    await rapport.customObjects.create({ key: 'vehicle', displayName: 'Vehicle' });
    await rapport.customFields.create({
      recordType: 'objects.vehicle',
      key: 'wheels',
      displayName: 'Wheels',
      type: 'NUMBER',
    });
    const vehicles = rapport.records<{ wheels: number }>('vehicle');

    const { id } = await vehicles.create({ name: 'Bicycle', customFields: { wheels: 2 } });
    const edited = await vehicles.edit(id, ({ customFields }) => ({
      customFields: { wheels: (customFields?.wheels ?? 0) + 1 },
    }));
    expect(edited.customFields).toEqual({ wheels: 3 });
    expect((await vehicles.get({ id })).customFields?.wheels).toBe(3);
    expect((await vehicles.list().first(5)).map((each) => each.id)).toEqual([id]);
  });
});

describe('a list', () => {
  test('is iterated over all of its pages, which are read when they are needed', async () => {
    const tenant = await platform.createTenant('Pages');
    const urls: string[] = [];
    const counted = (...args: Parameters<typeof fetch>) => {
      urls.push(new Request(...args).url);
      return fetch(...args);
    };
    const client = new Rapport({ baseUrl: platform.edgeUrl, apiKey: tenant.apiKey, fetch: counted });
    const items = Array.from({ length: 7 }, (_, index) => ({
      customer: { kind: 'PERSON' as const, givenName: `P${index}` },
    }));
    await client.customers.batchCreate({ items });
    urls.length = 0;

    const list = client.customers.list({ pageSize: 3, total: 'EXACT' });
    const names: (string | undefined)[] = [];
    for await (const { givenName } of list) names.push(givenName);
    expect(names).toEqual(['P6', 'P5', 'P4', 'P3', 'P2', 'P1', 'P0']);
    expect(urls).toHaveLength(3);

    const sizes: number[] = [];
    for await (const page of list.pages()) sizes.push(page.customers.length);
    expect(sizes).toEqual([3, 3, 1]);

    urls.length = 0;
    expect((await list.first(4)).map((each) => each.givenName)).toEqual(['P6', 'P5', 'P4', 'P3']);
    expect(await list.first(0)).toEqual([]);
    expect(await list.page()).toMatchObject({ totalSize: 7, nextPageToken: expect.any(String) as string });
    expect(urls).toHaveLength(3);
  });
});

test('a file is imported in one call, and records are exported as a file', async () => {
  const { apiKey } = await platform.createTenant('Files');
  const client = new Rapport({ baseUrl: platform.edgeUrl, apiKey });
  const body = new Blob(['name,email\nAda,ada@navy.example\n'], { type: 'text/csv' });
  const { created } = await client.customers.import({ map: ['name=givenName', 'email=email'], body });
  const exported = await client.customers.export({ format: 'CSV', columns: ['givenName', 'emails'] });

  expect(created).toBe(1);
  expect(exported.headers.get('content-type')).toMatch(/^text\/csv/);
  expect(await exported.text()).toContain('Ada,ada@navy.example');
});

test('a stream ends with the reason of its signal', async () => {
  const { apiKey } = await platform.createTenant('Streams');
  const client = new Rapport({ baseUrl: platform.edgeUrl, apiKey });
  const ending = new AbortController();
  const reading = (async () => {
    for await (const { cursor } of client.changes.watch({}, { signal: ending.signal })) {
      expect(cursor).not.toBe('');
      ending.abort(new Error('Enough.'));
    }
  })();
  await expect(reading).rejects.toThrow('Enough.');
});

describe('a problem', () => {
  test('names the wrong values, and is not retried', async () => {
    const error = await failure(rapport.customers.create({ kind: 'PERSON', emails: [{ address: 'nobody' }] }));

    expect(error).toBeInstanceOf(RapportError);
    expect(error).toMatchObject({
      status: 400,
      code: 'VALIDATION_FAILED',
      type: 'urn:rapport:problem:validation-failed',
      fields: [{ in: 'body', pointer: '/emails/0/address', code: 'BAD_FORMAT', detail: 'must be an e-mail address.' }],
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      retryable: false,
    });
  });

  test('has the facts for programs', async () => {
    const { id } = await rapport.customers.create({ kind: 'PERSON', emails: [{ address: 'taken@a.example' }] });
    const error = await failure(rapport.customers.create({ kind: 'PERSON', emails: [{ address: 'taken@a.example' }] }));
    expect(error).toMatchObject({ code: 'EMAIL_TAKEN', status: 409, metadata: { customerId: id } });
  });

  test('is a TypeError when the path of an operation lacks a value', async () => {
    await expect((async () => rapport.customers.get({ id: '' }))()).rejects.toThrow(
      new TypeError('The request has no id.'),
    );
  });
});

describe('an edit', () => {
  test('reads again what another caller has changed meanwhile', async () => {
    const { id } = await rapport.customers.create({ kind: 'PERSON', givenName: 'Grace', tags: ['a'] });
    let calls = 0;
    const edited = await rapport.customers.edit(id, async ({ tags }) => {
      if (calls++ === 0) await rapport.customers.update({ id, tags: [...tags, 'b'] });
      return { tags: [...tags, 'c'] };
    });

    expect(edited.tags).toEqual(['a', 'b', 'c']);
    expect(calls).toBe(2);
  });

  test('of many callers at once loses no change', async () => {
    const { id } = await rapport.customers.create({ kind: 'PERSON', givenName: 'Many' });
    const tags = Array.from({ length: 8 }, (_, index) => `t${index}`);
    await Promise.all(tags.map((tag) => rapport.customers.edit(id, (each) => ({ tags: [...each.tags, tag] }))));
    expect((await rapport.customers.get({ id })).tags.toSorted()).toEqual(tags);
  });

  test('that changes nothing writes nothing', async () => {
    const created = await rapport.customers.create({ kind: 'PERSON', givenName: 'Same' });
    expect(await rapport.customers.edit(created.id, () => undefined)).toEqual(created);
  });

  test('of the settings, which have no id, takes an empty key', async () => {
    expect((await rapport.settings.edit({}, () => ({ timeZone: 'Europe/Vienna' }))).timeZone).toBe('Europe/Vienna');
  });
});

test('a read sees the last write at every edge', async () => {
  const { apiKey } = await platform.createTenant('Two edges');
  const headers: Headers[] = [];
  const [first = '', second = ''] = platform.edgeUrls;
  let edge = first;
  const client = new Rapport({
    baseUrl: 'http://edges.example',
    apiKey,
    fetch: (url, init) => {
      headers.push(new Headers(init?.headers));
      return fetch(new Request(url).url.replace('http://edges.example', edge), init);
    },
  });
  const { id } = await client.customers.create({ kind: 'PERSON', givenName: 'Before' });
  await client.customers.get({ id });
  edge = second;
  await client.customers.get({ id });
  edge = first;
  await client.customers.update({ id, givenName: 'After' });
  edge = second;
  expect((await client.customers.get({ id })).givenName).toBe('After');

  const tokens = headers.map((each) => each.get('rapport-consistency-token'));
  expect(tokens[0]).toBeNull();
  expect(tokens[1]).toMatch(/^[\w-]{16}$/);
  expect(tokens[4]).not.toBe(tokens[1]);
});

function failure(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => new Error('The call succeeded.'),
    (error: unknown) => error,
  );
}
