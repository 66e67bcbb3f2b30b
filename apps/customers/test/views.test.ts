import type { View } from '@rapport/contracts/rapport/work/v1/views_service';
import { View as ViewCodec } from '@rapport/contracts/rapport/work/v1/views_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { ObjectTenant } from './object-tenant.ts';
import { repeatWhile } from './repeat-while.js';
import { newCaller, sharedCustomers } from './running-customers.js';

const service = await sharedCustomers();
const blank = ViewCodec.decode(new Uint8Array());
const unchecked = { updateMask: undefined, etag: undefined, requestId: undefined, validateOnly: undefined };

let caller: Caller;
/** Another user of the same workspace. */
let colleague: Caller;

beforeEach(() => {
  caller = newCaller();
  colleague = another({ permissions: caller.permissions.filter((each) => each !== 'workspace.configure') });
});

function another(changes: Partial<Caller> = {}): Caller {
  return { ...caller, principalId: `user:${v7()}`, ...changes };
}

function create(view: Partial<View> = {}, by = caller, more: object = {}) {
  return service.call('createView', { view: { ...blank, resource: 'customers', name: 'All', ...view }, ...more }, by);
}

function update(id: string, changes: Partial<View>, by = caller, etag?: string) {
  const request = { ...unchecked, id, view: { ...blank, ...changes }, updateMask: Object.keys(changes), etag };
  return service.call('updateView', request, by);
}

const get = (id: string, by: Caller) => service.call('getView', { id }, by);
const remove = (id: string, by = caller, etag?: string) => service.call('deleteView', { id, etag }, by);
const list = async (by: Caller, request: object = {}) =>
  (await service.call('listViews', request, by)).views.map(({ name }) => name);

test('a view keeps what its owner saves, and changes with a new etag', async () => {
  const content = {
    ...{ name: 'Leads', filter: 'lifecycleStage = LEAD', orderBy: 'displayName', group: 'lifecycleStage' },
    ...{ columns: ['displayName', 'customFields.plan'], layout: 'board', shared: true },
  };
  const view = await create(content);
  expect(view).toMatchObject({ ...content, resource: 'customers', etag: '"1"' });
  expect(view.ownerId).toBe(caller.principalId.slice('apiKey:'.length));
  expect(await get(view.id, caller)).toEqual(view);

  const changed = await update(view.id, { name: 'New leads', filter: undefined, columns: [] }, caller, view.etag);
  expect(changed).toEqual({
    ...view,
    ...{ name: 'New leads', filter: undefined, columns: [], etag: '"2"', updateTime: changed.updateTime },
  });
  expect(await update(view.id, { name: 'New leads' })).toEqual(changed);

  await expect(update(view.id, { name: 'Old' }, caller, '"1"')).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
  await expect(remove(view.id, caller, '"1"')).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
  await remove(view.id, caller, '"2"');
  await expect(get(view.id, caller)).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'VIEW_NOT_FOUND' });
});

test('a private view exists for its owner only, a shared one for the workspace, none for another', async () => {
  const [mine, shared] = [await create({ name: 'Mine' }), await create({ name: 'Shared', shared: true })];
  const stranger = newCaller();

  expect([await list(caller), await list(colleague), await list(stranger)]).toEqual([
    ['Mine', 'Shared'],
    ['Shared'],
    [],
  ]);
  const missing = { code: 'NOT_FOUND', reason: 'VIEW_NOT_FOUND', metadata: {} };
  for (const [id, by] of [
    [mine.id, colleague],
    [mine.id, stranger],
    [shared.id, stranger],
    [v7(), caller],
  ] as const) {
    await expect(get(id, by)).rejects.toMatchObject(missing);
    await expect(update(id, { name: 'Taken' }, by)).rejects.toMatchObject(missing);
    await expect(remove(id, by)).rejects.toMatchObject(missing);
  }
});

test('a shared view is changed by its owner, and by who configures the workspace', async () => {
  const { id } = await create({ shared: true }, colleague);
  const other = another({ permissions: colleague.permissions });
  const refused = { code: 'PERMISSION_DENIED', metadata: { permission: 'workspace.configure' } };

  await expect(update(id, { name: 'Taken' }, other)).rejects.toMatchObject(refused);
  await expect(remove(id, other)).rejects.toMatchObject(refused);
  expect(await update(id, { name: 'Curated' }, caller)).toMatchObject({ name: 'Curated' });
  await update(id, { shared: false }, colleague);
  await expect(get(id, caller)).rejects.toMatchObject({ reason: 'VIEW_NOT_FOUND' });
});

test.each<[Partial<View>, string, string]>([
  [{ resource: 'settings' }, 'view.resource', 'RECORD_TYPE_UNKNOWN'],
  [{ resource: 'objects/ship/records' }, 'view.resource', 'RECORD_TYPE_UNKNOWN'],
  [{ resource: 'objects' }, 'view.resource', 'RECORD_TYPE_UNKNOWN'],
  [{ filter: 'lifecycleStage = (' }, 'view.filter', 'FILTER_SYNTAX'],
  [{ filter: 'shoeSize = 43' }, 'view.filter', 'FILTER_FIELD_UNKNOWN'],
  [{ filter: 'customFields.none = 1' }, 'view.filter', 'FILTER_FIELD_UNKNOWN'],
  [{ orderBy: 'tags' }, 'view.orderBy', 'ORDER_NOT_INDEXED'],
  [{ name: '' }, 'view.name', 'REQUIRED'],
  [{ columns: ['no column'] }, 'view.columns[0]', 'BAD_FORMAT'],
])('%j is refused: %s %s', async (view, field, reason) => {
  await expect(create(view)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', violations: [{ field, reason }] });
});

test('a change is checked like a new view, and the resource stays', async () => {
  const { id } = await create();

  await expect(update(id, { filter: 'shoeSize = 43' })).rejects.toMatchObject({
    violations: [{ field: 'view.filter' }],
  });
  await expect(update(id, { resource: 'deals' })).rejects.toMatchObject({
    violations: [{ field: 'view.resource', reason: 'IMMUTABLE' }],
  });
});

test('records of a custom object have views, for callers that can read them', async () => {
  await new ObjectTenant(service, caller).createObject('ship');
  const reader = another({ permissions: ['views.read', 'views.write', 'objects.ship.read'] });

  expect(await create({ resource: 'objects/ship/records' }, reader)).toMatchObject({ name: 'All' });
  await expect(create({}, reader)).rejects.toMatchObject({ metadata: { permission: 'customers.read' } });
});

test('pages have each view once, by records', async () => {
  for (const name of ['a', 'b', 'c']) await create({ name });
  await create({ name: 'deals', resource: 'deals' });

  const first = await service.call('listViews', { resource: 'customers', pageSize: 2 }, caller);
  const pageToken = first.nextPageToken;
  const second = await service.call('listViews', { resource: 'customers', pageSize: 2, pageToken }, caller);
  expect([...first.views, ...second.views].map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  expect(second.nextPageToken).toBeUndefined();
  await expect(service.call('listViews', { pageSize: 2, pageToken }, caller)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
});

test('a filter on personal data is hidden from callers without access to it', async () => {
  const hiding = another({ hidesPii: true });
  await create({ name: 'By address', filter: 'emails = "ada@example.com"', shared: true });
  await create({ name: 'By stage', filter: 'lifecycleStage = LEAD', shared: true });

  expect(await list(hiding)).toEqual(['By stage']);
  await expect(create({ filter: 'emails = "ada@example.com"' }, hiding)).rejects.toMatchObject({
    reason: 'FIELD_HIDDEN',
    violations: [{ field: 'view.filter' }],
  });
});

test('an owner has at most 200 views, also when created at once', { timeout: 300_000 }, async () => {
  await create();
  const superuser = await service.connectAsSuperuser();
  await superuser.query(
    `insert into saved_view select copied.* from saved_view, generate_series(2, 199) n,
       jsonb_populate_record(saved_view, jsonb_build_object('id', gen_random_uuid(), 'name', n)) copied
     where saved_view.tenant_id = $1`,
    [caller.tenantId],
  );
  await superuser.end();

  const createLast = () => repeatWhile('CONCURRENT_WRITE', () => create({ name: 'last' }));
  const last = await Promise.allSettled(Array.from({ length: 5 }, createLast));

  const outcomes = last.map((each) =>
    each.status === 'fulfilled' ? 'created' : (each.reason as { reason: string }).reason,
  );
  expect(outcomes.toSorted()).toEqual([...Array<string>(4).fill('TOO_MANY_VIEWS'), 'created']);
  expect(await create({ name: 'of another' }, colleague)).toMatchObject({ etag: '"1"' });
});

test('a principal that can own nothing sees the shared views, and creates none', async () => {
  const client = another({ principalId: 'client:app' });
  await create({ name: 'Mine' });
  await create({ name: 'Shared', shared: true });

  expect(await list(client)).toEqual(['Shared']);
  await expect(create({}, client)).rejects.toMatchObject({ reason: 'USER_NEEDED' });
});

test('a repeated request creates one view, and a tried one creates none', async () => {
  const first = await create({}, caller, { requestId: 'a key' });
  expect(await create({}, caller, { requestId: 'a key' })).toEqual(first);
  await create({}, caller, { validateOnly: true });

  expect(await list(caller)).toEqual(['All']);
});
