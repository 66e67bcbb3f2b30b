import { ChangeOperation, type Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { expect, test } from 'vitest';
import { changesOf, Requests, subscribe, watch } from './change-feeds.js';
import { newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

test('a change of a customer has actor, operation and changed values', async () => {
  const caller = newCaller();
  const created = await customers.create(
    caller,
    person({ givenName: 'Ada', emails: [{ address: 'ada@example.com' }] }),
  );
  await customers.update(caller, created.id, { givenName: undefined, tags: ['vip'] });
  await customers.delete(caller, created.id);

  const [create, update, remove] = await changesOf(customers, caller, 3);

  expect(create).toMatchObject({
    type: 'customer',
    recordId: created.id,
    version: 1,
    operation: ChangeOperation.CREATE,
    tenantId: caller.tenantId,
    changedFields: [],
    actor: caller.principalId,
    origin: 'api',
    hop: 0,
    after: { id: created.id, kind: 'PERSON', givenName: 'Ada', emails: [{ address: 'ada@example.com' }], etag: '"1"' },
  });
  expect(create?.before).toBeUndefined();
  expect(create?.requestId).toMatch(/^[0-9a-f-]{36}$/);
  expect(update).toMatchObject({
    version: 2,
    operation: ChangeOperation.UPDATE,
    before: { givenName: 'Ada', tags: [] },
    after: { givenName: null, tags: ['vip'] },
  });
  expect(update?.changedFields.toSorted()).toEqual(['givenName', 'tags']);
  expect(remove).toMatchObject({ version: 3, operation: ChangeOperation.DELETE, changedFields: ['deleteTime'] });
});

test('a watcher gets new commits, and continues from any cursor', async () => {
  const caller = newCaller();
  await customers.create(caller, person());
  const [before] = await changesOf(customers, caller, 1);
  const watching = watch(customers, caller, { cursor: before?.cursor ?? '' });
  const { value: begin } = await watching.next();
  const second = await customers.create(caller, person());

  const { value: event } = await watching.next();
  await watching.return();

  expect(begin).toEqual({ change: undefined, cursor: before?.cursor });
  expect(event?.change).toMatchObject({ recordId: second.id, operation: ChangeOperation.CREATE });
  expect(event?.cursor).toBe(event?.change?.cursor);
});

test('a subscriber gets the changes of all tenants, as many as its credit allows', async () => {
  const callers = [newCaller(), newCaller()];
  const requests = new Requests({ credit: 3 });
  const feed = subscribe(customers, requests);
  await feed.next();
  for (const caller of [...callers, ...callers]) await customers.create(caller, person());
  const changes: Change[] = [];
  while (changes.length < 3) changes.push(...((await feed.next()).value?.changes ?? []));
  expect(changes).toHaveLength(3);
  expect((await feed.next()).value?.changes).toEqual([]);
  // Tenants of other files may change too, by timers of theirs.
  const own = () => changes.filter(({ tenantId }) => callers.some((caller) => caller.tenantId === tenantId));
  while (own().length < 4) {
    const before = changes.length;
    requests.say({ credit: 1 });
    while (changes.length === before) changes.push(...((await feed.next()).value?.changes ?? []));
    expect(changes).toHaveLength(before + 1);
  }
  await feed.return();

  const [one, other] = callers.map(({ tenantId }) => tenantId);
  expect(own().map(({ tenantId }) => tenantId)).toEqual([one, other, one, other]);
  expect(own().at(-1)).toMatchObject({ operation: ChangeOperation.CREATE });
});

test('a subscriber with invalid messages gets the invalid field', async () => {
  const wrong = { tenantId: 'x', consumer: 'x'.repeat(101), credit: -1 };
  const refused = (fields: string[]) => ({
    code: 'INVALID_ARGUMENT',
    violations: fields.map((field): unknown => expect.objectContaining({ field })),
  });
  // Of a tenant of its own: timers change records of other files' tenants.
  const requests = new Requests({ credit: 1, tenantId: newCaller().tenantId });
  const feed = subscribe(customers, requests);
  await feed.next();
  requests.say({ credit: -1 });

  await expect(subscribe(customers, new Requests(wrong)).next()).rejects.toMatchObject(
    refused(['tenantId', 'credit', 'consumer']),
  );
  await expect(feed.next()).rejects.toMatchObject(refused(['credit']));
});
