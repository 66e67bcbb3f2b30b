import type { Association } from '@rapport/contracts/rapport/customers/v1/associations_service';
import type { Caller } from '@rapport/platform';
import { beforeEach, expect, test } from 'vitest';
import { company, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let caller: Caller;
let ada: string;
let engines: string;

beforeEach(async () => {
  caller = newCaller();
  ada = (await customers.create(caller, person())).id;
  engines = (await customers.create(caller, company())).id;
});

function link(changes: Partial<Association> = {}): Association {
  return {
    id: '',
    fromCustomerId: ada,
    type: 'employee_of',
    toCustomerId: engines,
    role: undefined,
    labels: [],
    etag: '',
    createTime: undefined,
    updateTime: undefined,
    ...changes,
  };
}

function associate(changes: Partial<Association> = {}, requestId?: string): Promise<Association> {
  return customers.call('createAssociation', { association: link(changes), requestId }, caller);
}

async function ids(customerId: string, type?: string): Promise<string[]> {
  const { associations } = await customers.call('listAssociations', { customerId, type }, caller);
  return associations.map(({ id }) => id);
}

test('connects two customers, and is visible from both sides', async () => {
  const made = await associate({ role: ' CFO ', labels: ['decision maker', ' decision maker ', 'vip'] });

  expect(made).toMatchObject({
    ...link(),
    role: 'CFO',
    labels: ['decision maker', 'vip'],
    etag: '"1"',
    id: made.id,
    createTime: made.createTime,
    updateTime: made.createTime,
  });
  expect(await customers.call('getAssociation', { id: made.id }, caller)).toEqual(made);
  expect(await ids(ada)).toEqual([made.id]);
  expect(await ids(engines)).toEqual([made.id]);
});

test('returns the same association to a repeated create', async () => {
  const first = await associate({}, 'key-1');

  expect(await associate({}, 'key-1')).toEqual(first);
  expect(await ids(ada)).toEqual([first.id]);
});

test('refuses an association with itself, or with a missing, deleted or other tenant’s customer', async () => {
  const stranger = await customers.create(newCaller(), person());
  const gone = await customers.create(caller, person());
  await customers.delete(caller, gone.id);

  await expect(associate({ toCustomerId: ada })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'association.toCustomerId', reason: 'SELF_LINK' }],
  });
  await expect(associate({ fromCustomerId: stranger.id, toCustomerId: gone.id })).rejects.toMatchObject({
    violations: [
      { field: 'association.fromCustomerId', reason: 'CUSTOMER_NOT_FOUND' },
      { field: 'association.toCustomerId', reason: 'CUSTOMER_NOT_FOUND' },
    ],
  });
  await expect(associate({ labels: ['ok', ' '] })).rejects.toMatchObject({
    violations: [{ field: 'association.labels[1]' }],
  });
});

test('lets one of many concurrent creates win, and returns its id to the others', async () => {
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => associate()));

  const [made] = await ids(ada);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const result of results) {
    if (result.status === 'rejected') {
      expect(result.reason).toMatchObject({
        code: 'ALREADY_EXISTS',
        reason: 'ASSOCIATION_EXISTS',
        metadata: { associationId: made },
      });
    }
  }
  await associate({ type: 'owner_of' });
  await associate({ fromCustomerId: engines, toCustomerId: ada });
});

test('never shows an association whose customer is deleted concurrently', async () => {
  await Promise.allSettled([associate(), customers.delete(caller, engines)]);

  expect(await ids(ada)).toEqual([]);
});

test('is hidden while one of its customers is deleted', async () => {
  const { id } = await associate();
  await customers.delete(caller, engines);

  expect(await ids(ada)).toEqual([]);
  await expect(ids(engines)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  for (const name of ['getAssociation', 'deleteAssociation'] as const) {
    await expect(customers.call(name, { id }, caller)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      reason: 'ASSOCIATION_NOT_FOUND',
    });
  }
  await customers.call('undeleteCustomer', { id: engines }, caller);
  expect(await ids(ada)).toEqual([id]);
});

test('is hidden from other tenants', async () => {
  const { id } = await associate();

  await expect(customers.call('getAssociation', { id }, newCaller())).rejects.toMatchObject({
    reason: 'ASSOCIATION_NOT_FOUND',
  });
  await expect(customers.call('listAssociations', { customerId: ada }, newCaller())).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
});

test('pages through both directions, oldest first, each association once', async () => {
  const made: string[] = [];
  for (let index = 0; index < 7; index += 1) {
    const other = (await customers.create(caller, company())).id;
    const ends =
      index % 2 ? { fromCustomerId: other, toCustomerId: ada } : { fromCustomerId: ada, toCustomerId: other };
    made.push((await associate({ ...ends, type: index < 6 ? 'knows' : 'owns' })).id);
  }
  const seen: string[][] = [];
  let pageToken: string | undefined;
  do {
    const page = await customers.call('listAssociations', { customerId: ada, pageSize: 3, pageToken }, caller);
    seen.push(page.associations.map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken);

  expect(seen).toEqual([made.slice(0, 3), made.slice(3, 6), made.slice(6)]);
  expect(await ids(ada, 'owns')).toEqual(made.slice(6));
  const { nextPageToken } = await customers.call('listAssociations', { customerId: ada, pageSize: 1 }, caller);
  await expect(
    customers.call('listAssociations', { customerId: ada, type: 'owns', pageToken: nextPageToken }, caller),
  ).rejects.toMatchObject({ violations: [{ field: 'pageToken' }] });
});

test('changes what the mask names, under the etag', async () => {
  const made = await associate({ role: 'CFO', labels: ['a'] });
  const update = (changes: Partial<Association>, etag?: string) =>
    customers.call(
      'updateAssociation',
      { id: made.id, association: link(changes), updateMask: Object.keys(changes), etag },
      caller,
    );

  const updated = await update({ labels: ['b'] }, made.etag);
  expect(updated).toEqual({ ...made, labels: ['b'], etag: '"2"', updateTime: updated.updateTime });
  expect(await update({ labels: ['b'] })).toEqual(updated);
  expect((await update({ role: undefined })).role).toBeUndefined();
  await expect(update({ role: 'CEO' }, made.etag)).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
  await expect(update({ type: 'owns', etag: 'x' })).rejects.toMatchObject({
    violations: [
      { field: 'association.type', reason: 'IMMUTABLE' },
      { field: 'association.etag', reason: 'OUTPUT_ONLY' },
    ],
  });
  await expect(
    customers.call('updateAssociation', { id: made.id, association: link(), updateMask: ['constructor'] }, caller),
  ).rejects.toMatchObject({
    violations: [{ field: 'updateMask', description: 'names "constructor", which is no field of an association' }],
  });
});

test('is deleted permanently', async () => {
  const made = await associate();

  await expect(customers.call('deleteAssociation', { id: made.id, etag: '"9"' }, caller)).rejects.toMatchObject({
    reason: 'ETAG_MISMATCH',
  });
  expect(await customers.call('deleteAssociation', { id: made.id, etag: made.etag }, caller)).toEqual(made);
  expect(await ids(ada)).toEqual([]);
  expect((await associate()).id).not.toBe(made.id);
});
