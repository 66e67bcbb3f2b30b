import type { Change, SubscribeResponse } from '@rapport/contracts/rapport/api/v1/change_feed';
import type { Caller } from '@rapport/platform';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Requests, subscribe, watch } from './change-feeds.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';
import { superuserOf } from './superuser.js';

/** Their changes of one write are larger than a message may be, and all of their changes more than twice as large. */
const customerCount = 8;

/** A change has about 1.6 MB, so that a message contains at most a few of them. */
const maxMessageChars = 8 * 1024 * 1024;

let customers: RunningCustomers;
let caller: Caller;
let ids: string[];

beforeAll(async () => {
  customers = await RunningCustomers.start();
  caller = newCaller();
  ids = [];
  for (let index = 0; index < customerCount; index += 1) ids.push((await customers.create(caller, person())).id);
  // Twice, so that the second change has as much before as after.
  for (const text of ['😀', '🎩']) await fill(text);
  // Past the service, which therefore finds these writes only with its next look.
  const superuser = await superuserOf(customers.urls.ownerUrl);
  await vi.waitFor(async () => expect((await superuser.query('select from outbox')).rowCount).toBe(0), 60_000);
  await superuser.end();
}, 120_000);
afterAll(() => customers.stop());

const sizes = (messages: Change[][]) => messages.map((changes) => JSON.stringify(changes).length);
const recordIds = (messages: Change[][]) => messages.flat().map(({ recordId }) => recordId);
/** Each customer is created, and changed twice. */
const all = () => [...ids, ...ids, ...ids].toSorted();

test('a page of large changes has fewer of them, and reports that there are more', async () => {
  const pages: Change[][] = [];
  let cursor: string | undefined;
  for (let hasMore = true; hasMore;) {
    const page = await customers.call('listChanges', { cursor, pageSize: 1_000, types: ['customer'] }, caller);
    pages.push(page.changes);
    ({ nextCursor: cursor, hasMore } = page);
  }

  expect(recordIds(pages).toSorted()).toEqual(all());
  expect(Math.max(...sizes(pages))).toBeLessThan(maxMessageChars);
  expect(pages.every(({ length }) => length > 0)).toBe(true);
});

test('a subscriber gets all large changes in messages of bounded size, live and from an old position', async () => {
  const feed = subscribe(customers, new Requests({ credit: 10_000, withValues: true }));
  const { value: begin } = await feed.next();
  // More than one message has room for.
  await fill('🚀');
  const coming = await untilAll(feed, ids.length);
  const behind = await untilAll(
    subscribe(customers, new Requests({ credit: 10_000, withValues: true, cursor: begin?.cursor })),
    ids.length,
  );

  for (const messages of [coming, behind]) {
    expect(recordIds(messages).toSorted()).toEqual(ids.toSorted());
    expect(Math.max(...sizes(messages))).toBeLessThan(maxMessageChars);
  }
});

test('a watcher at an old position gets all large changes, one by one', async () => {
  const { changes } = await customers.call('listChanges', { pageSize: 1 }, caller);
  const watching = watch(customers, caller, { cursor: changes[0]?.cursor ?? '' });
  const seen: string[] = [];
  for await (const { change } of watching) {
    if (change) seen.push(change.recordId);
    if (seen.length === 2 * customerCount - 1) break;
  }

  expect(new Set(seen)).toEqual(new Set(ids));
});

/** Messages of a subscription until there were this many changes. */
async function untilAll(feed: AsyncGenerator<SubscribeResponse, void>, count: number): Promise<Change[][]> {
  const messages: Change[][] = [];
  for await (const { changes } of feed) {
    if (changes.length > 0) messages.push(changes);
    if (messages.flat().length >= count) break;
  }
  return messages;
}

/** Gives customers 200 fields of 1,000 characters. */
async function fill(text: string): Promise<void> {
  const superuser = await superuserOf(customers.urls.ownerUrl);
  await superuser.query(
    `update customer set version = version + 1, custom_fields = (
       select jsonb_object_agg('field_' || n, repeat($2, 1000)) from generate_series(1, 200) n)
     where tenant_id = $1 and id = any ($3)`,
    [caller.tenantId, text, ids],
  );
  await superuser.end();
}
