import { sharedPlatform } from '@rapport/testing';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { Rapport, type ChangeFeed } from '../src/index.ts';
import { EdgeSwitch } from './edge-switch.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let edges: EdgeSwitch;
let rapport: Rapport;

beforeAll(async () => {
  edges = await EdgeSwitch.before(platform.edgeUrls);
});

beforeEach(async () => {
  const { apiKey } = await platform.createTenant('Followers');
  rapport = new Rapport({ baseUrl: edges.url, apiKey });
});

afterAll(() => edges.close());

test('a feed has every change once and in order, however often its connection breaks', async () => {
  const { nextCursor: cursor } = await rapport.changes.list();
  const feed = rapport.changes.follow({ cursor });
  const created: string[] = [];
  const writing = (async () => {
    for (let count = 0; count < 30; count++) {
      if (count % 5 === 4) edges.cut();
      const { id } = await rapport.customers.create({ kind: 'PERSON', givenName: `P${count}` });
      created.push(id);
    }
  })();
  const seen = await taken(feed, 30);
  await writing;

  expect(seen.map(({ change }) => change.recordId)).toEqual(created);
});

test('another feed continues at the cursor of a change', async () => {
  const { nextCursor: cursor } = await rapport.changes.list();
  const ids: string[] = [];
  for (const givenName of ['A', 'B', 'C']) ids.push((await rapport.customers.create({ kind: 'PERSON', givenName })).id);
  const [first] = await taken(rapport.changes.follow({ cursor }), 1);
  const rest = await taken(rapport.changes.follow({ cursor: first!.cursor }), 2);

  expect([first, ...rest].map((each) => each?.change)).toMatchObject(
    ids.map((recordId) => ({ recordId, type: 'customer', operation: 'CREATE' })),
  );
});

test('a feed of some types and fields has these only, and its cursor passes the others', async () => {
  const filter = { types: ['customer'], fields: ['jobTitle'] };
  const { nextCursor: cursor } = await rapport.changes.list(filter);
  const { id } = await rapport.customers.create({ kind: 'PERSON', givenName: 'A' });
  await rapport.customers.update({ id, givenName: 'B' });
  await rapport.customers.update({ id, jobTitle: 'Countess' });
  const feed = rapport.changes.follow({ cursor, ...filter });
  const [, changed] = await taken(feed, 2);

  expect(changed?.change).toMatchObject({ changedFields: ['jobTitle'], after: { jobTitle: 'Countess' } });
  expect(feed.cursor).toBe(changed?.cursor);
});

test('a feed with snapshots begins with all live customers, and continues with the changes after them', async () => {
  const { nextCursor: cursor } = await rapport.changes.list();
  for (const givenName of ['A', 'B']) await rapport.customers.create({ kind: 'PERSON', givenName });
  // A change that comes into the log after the snapshot has begun would follow it, too.
  await taken(rapport.changes.follow({ cursor }), 2);
  const kinds: string[] = [];
  const copy = new Map<unknown, unknown>();
  for await (const event of rapport.changes.follow({ onExpired: 'snapshot' })) {
    kinds.push(event.kind);
    if (event.kind === 'record') copy.set(event.record['id'], event.record['givenName']);
    if (event.kind === 'ready') await rapport.customers.create({ kind: 'PERSON', givenName: 'C' });
    if (event.kind === 'change') {
      copy.set(event.change.recordId, event.change.after?.['givenName']);
      break;
    }
  }

  expect(kinds).toEqual(['reset', 'record', 'record', 'ready', 'change']);
  expect([...copy.values()].toSorted()).toEqual(['A', 'B', 'C']);
});

test('a snapshot has no cursor of a filter', () => {
  const options = { onExpired: 'snapshot', types: ['deal'] } as unknown as { onExpired: 'snapshot' };
  expect(() => rapport.changes.follow(options)).toThrow(TypeError);
});

test('a feed ends with the reason of its signal', async () => {
  const ending = new AbortController();
  const reading = taken(rapport.changes.follow({ signal: ending.signal }), 1);
  ending.abort(new Error('Enough.'));
  await expect(reading).rejects.toThrow('Enough.');
});

test('a feed with a wrong cursor or without permission fails at once', async () => {
  await expect(taken(rapport.changes.follow({ cursor: 'wrong' }), 1)).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
  });
  const { key = '' } = await rapport.apiKeys.create({ displayName: 'Deals', permissions: ['deals.read'] });
  const other = new Rapport({ baseUrl: edges.url, apiKey: key });
  await expect(taken(other.changes.follow(), 1)).rejects.toMatchObject({ code: 'PERMISSION_MISSING' });
});

test('a feed ends with 401 when its key is revoked', async () => {
  const { id, key = '' } = await rapport.apiKeys.create({ displayName: 'Reader', permissions: ['customers.read'] });
  const reader = new Rapport({ baseUrl: edges.url, apiKey: key });
  const { nextCursor: cursor } = await reader.changes.list();
  await rapport.customers.create({ kind: 'PERSON', givenName: 'A' });
  const reading = (async () => {
    for await (const _ of reader.changes.follow({ cursor })) await rapport.apiKeys.revoke({ id });
  })();

  await expect(reading).rejects.toMatchObject({ status: 401, code: 'CREDENTIAL_INVALID', retryable: false });
});

async function taken<Event>(feed: ChangeFeed<Event>, count: number): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of feed) if (events.push(event) === count) break;
  return events;
}
