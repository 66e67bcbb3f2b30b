import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, it, vi } from 'vitest';
import { ApiClient } from './api-client.ts';
import { ConsoleUser } from './console-user.ts';
import { newPerson } from './people.ts';
import { untilKept } from './until-kept.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;
let customerId: string;
let dealId: string;
beforeEach(async () => {
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Listers')).apiKey);
  customerId = await create('/v1/customers', { kind: 'PERSON', displayName: 'Ada', tags: ['vip'] });
  const pipelineId = await create('/v1/pipelines', { name: 'Sales', stages: [{ key: 'a', name: 'A', kind: 'OPEN' }] });
  dealId = await create('/v1/deals', { title: 'Seats', pipelineId, stage: 'a', customerId });
});

async function create(path: string, body: object): Promise<string> {
  const answer = await api.send('POST', path, { body });
  expect(answer).toMatchObject({ status: 201 });
  return (answer.body as { id: string }).id;
}

async function write(method: string, path: string, body: object): Promise<void> {
  const { status } = await api.send(method, path, { body });
  expect([path, status]).toEqual([path, method === 'POST' ? 201 : 200]);
}

const matching = (type: string, filter: string) => `/v1/${type}?filter=${encodeURIComponent(filter)}`;
const deals = '{"deals":[{';

it.each([
  ['customer.tags:vip', (id: string) => write('PATCH', `/v1/customers/${id}`, { tags: [] })],
  ['customer.company.tags:big', makeEmployee],
])('a kept list that is filtered by %s ends with a write to customers', async (filter, change) => {
  for (const path of [matching('deals', filter), matching('deals:aggregate', filter)]) {
    const before = await untilKept(api, path);
    await change(customerId);
    expect((await api.send('GET', path)).body).not.toEqual(before.body);
    await write('PATCH', `/v1/customers/${customerId}`, { tags: ['vip'], companyId: null });
  }
});

/** Filters for a big company. */
async function makeEmployee(id: string): Promise<void> {
  const companyId = await create('/v1/customers', { kind: 'COMPANY', displayName: 'Acme', tags: ['big'] });
  await write('PATCH', `/v1/customers/${id}`, { companyId });
}

it('a write to associations, or to the associated records, invalidates a cached list that is filtered by them', async () => {
  const path = matching('deals', 'associations.decided_by.tags:vip');
  expect(JSON.stringify((await untilKept(api, path)).body)).toBe('{"deals":[]}');

  await write('POST', '/v1/associations', {
    from: `deals/${dealId}`,
    type: 'decided_by',
    to: `customers/${customerId}`,
  });

  expect(JSON.stringify((await untilKept(api, path)).body)).toContain(deals);
  await write('PATCH', `/v1/customers/${customerId}`, { tags: [] });
  expect(JSON.stringify((await api.send('GET', path)).body)).toBe('{"deals":[]}');
});

it.each(['/v1/deals', matching('deals', 'title = Seats AND customFields.x:*'), '/v1/deals:aggregate?groupBy=stage'])(
  'writes to other types do not invalidate a cached list: %s',
  async (path) => {
    await write('POST', '/v1/customFields', { key: 'x', type: 'TEXT', displayName: 'X', recordType: 'deal' });
    let count = 0;
    const keptAfterWrite = async () => {
      await api.send('GET', path);
      await write('PATCH', `/v1/customers/${customerId}`, { tags: [`t${count++}`] });
      return (await api.send('GET', path)).headers.get('cache-status');
    };
    // The changes of the first writes may arrive in between.
    await expect.poll(keptAfterWrite, { timeout: 60_000 }).toMatch(/^rapport; hit/);
  },
);

it('a change of the workspace’s time zone invalidates a cached list that is filtered by days', async () => {
  const path = matching('deals', 'createTime >= today+1d');
  await untilKept(api, path);
  await write('PATCH', '/v1/settings', { timeZone: 'Asia/Tokyo' });
  expect((await api.send('GET', path)).headers.get('cache-status')).not.toMatch(/^rapport; hit/);
});

it('a cached list of what is mine is served to no other user with the same rights', async () => {
  const workspace = `mine-${crypto.randomUUID().slice(0, 8)}`;
  const owner = await platform.createTenant('Owners', undefined, workspace);
  api = await ApiClient.connect(platform.edgeUrl, owner.apiKey);
  const people = [await newPerson(platform, api), await newPerson(platform, api)];
  const names = people.map(({ id }) => `of ${id}`);
  for (const [index, { id: ownerId }] of people.entries())
    await create('/v1/customers', { kind: 'PERSON', displayName: names[index], ownerId });
  const users = await Promise.all(people.map((person) => ConsoleUser.signIn(platform.edgeUrl, workspace, person)));
  const paths = [matching('customers', 'ownerId = me'), matching('customers', 'NOT ownerId = me')];
  const read = async (user: ConsoleUser, path: string) => {
    const answer = await user.call('GET', path);
    const { customers } = (await answer.json()) as { customers: { displayName: string }[] };
    return { status: answer.headers.get('cache-status') ?? '', names: customers.map(({ displayName }) => displayName) };
  };

  for (const [place, path] of paths.entries()) {
    for (const [index, user] of users.entries()) {
      const expected = [names[place === 0 ? index : 1 - index]];
      const readHit = async () => {
        const { status, names: found } = await read(user, path);
        expect(found).toEqual(expected);
        expect(status).toMatch(/^rapport; hit/);
      };
      expect((await read(user, path)).names).toEqual(expected);
      await vi.waitFor(readHit, { timeout: 60_000 });
    }
  }
  expect(await api.send('GET', paths[0] ?? '')).toMatchObject({
    status: 400,
    body: { errors: [{ in: 'query', pointer: '/filter', code: 'FILTER_WITHOUT_USER' }] },
  });
});
