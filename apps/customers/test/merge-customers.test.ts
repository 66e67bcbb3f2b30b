import { LifecycleStage, PostalAddress, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomField_Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { beforeEach, expect, test } from 'vitest';
import { content, email, MergingTenant, phone } from './merging-tenant.js';
import { ObjectTenant } from './object-tenant.js';
import { company, newCaller, person, sharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';

const customers = await sharedCustomers();

let tenant: MergingTenant;

beforeEach(() => {
  tenant = new MergingTenant(customers);
});

test('fills missing fields of the surviving customer, retains its values, and unites lists', async () => {
  const a = await tenant.create(person({ jobTitle: 'Analyst', emails: [email('a@x.example')], tags: ['one', 'two'] }));
  const b = await tenant.create(
    person({
      displayName: 'A. Lovelace',
      jobTitle: 'Countess',
      source: 'fair',
      birthDate: '1815-12-10',
      emails: [email('b@x.example')],
      phones: [phone('+493012345678')],
      tags: ['two', 'three'],
      externalIds: [{ system: 'erp', value: '1' }],
    }),
  );

  const { customer, record } = await tenant.merge(a.id, b.id);

  expect(customer).toMatchObject({
    id: a.id,
    displayName: 'Ada Lovelace',
    jobTitle: 'Analyst',
    source: 'fair',
    birthDate: '1815-12-10',
    emails: [email('a@x.example'), email('b@x.example')],
    phones: [phone('+493012345678')],
    tags: ['one', 'two', 'three'],
    externalIds: [{ system: 'erp', value: '1' }],
    etag: '"2"',
  });
  expect(await customers.get(tenant.caller, a.id)).toEqual(customer);
  expect(record).toMatchObject({
    customerId: a.id,
    mergedId: b.id,
    createdBy: tenant.caller.principalId,
    undoTime: undefined,
  });
  expect(await customers.call('getMerge', { id: record.id }, tenant.caller)).toEqual(record);
  await expect(customers.get(tenant.caller, b.id)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    metadata: { mergedInto: a.id },
  });
  const { customers: deleted } = await customers.call('listCustomers', { showDeleted: true }, tenant.caller);
  expect(deleted).toMatchObject([{ id: b.id, mergedIntoId: a.id, etag: '"2"' }]);
});

test('retains addresses of both that differ only in their label', async () => {
  const address = (label: string, city = 'Oslo') => PostalAddress.create({ street: 'Main 1', city, label });
  const a = await tenant.create(person({ addresses: [address('billing'), address('shipping')] }));
  const b = await tenant.create(person({ addresses: [address('shipping'), address('home'), address('home', 'Rome')] }));

  const { customer } = await tenant.merge(a.id, b.id);

  expect(customer.addresses).toEqual([
    ...a.addresses,
    expect.objectContaining(address('home')),
    expect.objectContaining(address('home', 'Rome')),
  ]);
});

test('moves references of custom fields, of any type and of deleted records too, and takes them back', async () => {
  const { caller } = tenant;
  await tenant.defineReference('friend');
  await tenant.defineReference('advisor', 'deal');
  const [a, b] = [await tenant.create(person()), await tenant.create(person({ displayName: 'Bob' }))];
  const create = (friend: string) => tenant.create(person({ customFields: { friend } }));
  const [live, changed, deleted] = [await create(b.id), await create(b.id), await create(b.id)];
  await customers.delete(caller, deleted.id);
  await customers.update(caller, a.id, { customFields: { friend: b.id } });
  const sales = new SalesTenant(customers, caller);
  const { id: dealId } = await sales.createDeal(await sales.createPipeline(), { customFields: { advisor: b.id } });
  const deal = () => customers.call('getDeal', { id: dealId }, caller);
  const objects = new ObjectTenant(customers, caller);
  await objects.createObject('car');
  await objects.createField('car', 'friend', { type: CustomField_Type.REFERENCE });
  await objects.create('car', { name: 'red', customFields: { friend: b.id } });
  const carsOf = ({ id }: Customer) => objects.names('car', { filter: `customFields.friend = ${id}` });
  const friendOf = async ({ id }: Customer): Promise<unknown> =>
    (await customers.get(caller, id)).customFields?.['friend'];

  const { record } = await tenant.merge(a.id, b.id);

  expect([await friendOf(live), await friendOf(changed), await friendOf(a)]).toEqual([a.id, a.id, b.id]);
  expect(await deal()).toMatchObject({ customFields: { advisor: a.id }, etag: '"2"' });
  expect((await sales.deals(`customFields.advisor = ${a.id}`)).length).toBe(1);
  expect(await carsOf(a)).toEqual(['red']);
  const other = await tenant.create(person());
  await customers.update(caller, changed.id, { customFields: { friend: other.id } });
  await customers.call('undeleteCustomer', { id: deleted.id }, caller);
  expect(await friendOf(deleted)).toBe(a.id);

  await tenant.unmerge(record.id);

  expect([await friendOf(live), await friendOf(changed), await friendOf(deleted)]).toEqual([b.id, other.id, b.id]);
  expect(await deal()).toMatchObject({ customFields: { advisor: b.id }, etag: '"3"' });
  expect(await carsOf(b)).toEqual(['red']);
});

test('takes preferred fields from the merged customer, and its lists first', async () => {
  await tenant.defineTextFields('plan', 'seats');
  const a = await tenant.create(
    person({ jobTitle: 'a', source: 'a', tags: ['a'], customFields: { plan: 'a', seats: 'a' } }),
  );
  const b = await tenant.create(
    person({ jobTitle: 'b', source: 'b', tags: ['b'], customFields: { plan: 'b', seats: 'b' } }),
  );

  const { customer } = await tenant.merge(a.id, b.id, { preferMerged: ['jobTitle', 'tags', 'customFields.plan'] });

  expect(customer).toMatchObject({
    jobTitle: 'b',
    source: 'a',
    tags: ['b', 'a'],
    customFields: { plan: 'b', seats: 'a' },
  });
  await expect(tenant.merge(a.id, b.id, { preferMerged: ['tags', 'id', 'x.y'] })).rejects.toMatchObject({
    violations: [{ field: 'merge.preferMerged[1]' }, { field: 'merge.preferMerged[2]' }],
  });
});

test.each([
  [LifecycleStage.LEAD, LifecycleStage.OPPORTUNITY, LifecycleStage.OPPORTUNITY],
  [LifecycleStage.CUSTOMER, LifecycleStage.FORMER_CUSTOMER, LifecycleStage.CUSTOMER],
  [LifecycleStage.FORMER_CUSTOMER, LifecycleStage.CUSTOMER, LifecycleStage.CUSTOMER],
  [LifecycleStage.UNSPECIFIED, LifecycleStage.LEAD, LifecycleStage.LEAD],
  [LifecycleStage.LEAD, LifecycleStage.UNSPECIFIED, LifecycleStage.LEAD],
])('of the stages %i and %i retains the later one, %i, and its time', async (first, second, further) => {
  const a = await tenant.create(person({ lifecycleStage: first }));
  const b = await tenant.create(person({ lifecycleStage: second }));

  const { customer } = await tenant.merge(a.id, b.id);

  expect(customer.lifecycleStage).toBe(further);
  expect(customer.lifecycleStageTime).toBe((first === further ? a : b).lifecycleStageTime);
});

test('moves unique values: no other customer can take them', async () => {
  const a = await tenant.create(person());
  const b = await tenant.create(person({ emails: [email('b@x.example')] }));
  await tenant.merge(a.id, b.id);

  await expect(tenant.create(person({ emails: [email('B@x.example')] }))).rejects.toMatchObject({
    reason: 'EMAIL_TAKEN',
    metadata: { customerId: a.id },
  });
});

test('moves people and associations to the surviving customer, and back', async () => {
  const [a, b, c] = await Promise.all([1, 2, 3].map(() => tenant.create(company())));
  if (!a || !b || !c) throw new Error('Three companies.');
  const ada = await tenant.create(person({ companyId: b.id }));
  const gone = await tenant.create(person({ companyId: b.id }));
  await customers.delete(tenant.caller, gone.id);
  await tenant.associate(b.id, c.id, 'parent_of');
  await tenant.associate(c.id, b.id, 'partner_of');
  const kept = await tenant.associate(a.id, c.id);
  await tenant.associate(b.id, c.id);
  await tenant.associate(a.id, b.id, 'owns');
  const before = [
    await tenant.links(a.id),
    (await tenant.links(b.id)).toSorted(),
    (await tenant.links(c.id)).toSorted(),
  ];

  const { record } = await tenant.merge(a.id, b.id);

  expect((await tenant.links(a.id)).toSorted()).toEqual(
    [`${a.id} parent_of ${c.id}`, `${c.id} partner_of ${a.id}`, `${a.id} knows ${c.id}`].toSorted(),
  );
  expect((await customers.call('getAssociation', { id: kept }, tenant.caller)).etag).toBe('"1"');
  expect(await customers.get(tenant.caller, ada.id)).toMatchObject({ companyId: a.id, etag: '"2"' });
  expect((await customers.call('undeleteCustomer', { id: gone.id }, tenant.caller)).companyId).toBe(a.id);

  await tenant.unmerge(record.id);

  expect([
    await tenant.links(a.id),
    (await tenant.links(b.id)).toSorted(),
    (await tenant.links(c.id)).toSorted(),
  ]).toEqual(before);
  expect((await customers.get(tenant.caller, ada.id)).companyId).toBe(b.id);
  expect((await customers.get(tenant.caller, gone.id)).companyId).toBe(b.id);
});

test('refuses invalid pairs of customers', async () => {
  const a = await tenant.create(person());
  const b = await tenant.create(person());
  const firm = await tenant.create(company());
  const stranger = await customers.create(newCaller(), person());
  const refused = (reason: string) => ({ code: 'INVALID_ARGUMENT', violations: [{ field: 'merge.mergedId', reason }] });

  await expect(tenant.merge(a.id, a.id)).rejects.toMatchObject(refused('SELF_MERGE'));
  await expect(tenant.merge(a.id, stranger.id)).rejects.toMatchObject(refused('CUSTOMER_NOT_FOUND'));
  await expect(tenant.merge(a.id, firm.id)).rejects.toMatchObject(refused('KIND_MISMATCH'));
  await expect(tenant.merge(stranger.id, a.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(tenant.merge(a.id, b.id, { mergedEtag: '"9"' })).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
  await expect(
    customers.call(
      'mergeCustomers',
      { id: a.id, merge: { mergedId: b.id, mergedEtag: b.etag, preferMerged: [] }, etag: '"9"' },
      tenant.caller,
    ),
  ).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
  await tenant.merge(a.id, b.id);
  await expect(tenant.merge(a.id, b.id)).rejects.toMatchObject(refused('CUSTOMER_MERGED'));
  await expect(tenant.merge(b.id, a.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a deleted customer can be merged into the one that has taken its values', async () => {
  const old = await tenant.create(
    person({ jobTitle: 'old', emails: [email('ada@x.example'), email('old@x.example')] }),
  );
  await customers.delete(tenant.caller, old.id);
  const now = await tenant.create(person({ emails: [email('ada@x.example')] }));

  const conflict = await customers
    .call('undeleteCustomer', { id: old.id }, tenant.caller)
    .catch((error: unknown) => error);
  expect(conflict).toMatchObject({
    code: 'ALREADY_EXISTS',
    reason: 'EMAIL_TAKEN',
    metadata: { customerId: now.id },
    message: expect.stringContaining(`POST /v1/customers/${now.id}:merge with the mergedId ${old.id}`) as string,
  });
  const { customer, record } = await tenant.merge(now.id, old.id);

  expect(customer).toMatchObject({
    jobTitle: 'old',
    emails: [email('ada@x.example'), email('old@x.example')],
  });
  await expect(customers.call('undeleteCustomer', { id: old.id }, tenant.caller)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'CUSTOMER_MERGED',
    metadata: { mergeId: record.id },
  });
  const undone = await tenant.unmerge(record.id);
  expect(undone.restored.deleteTime).toBeDefined();
  expect(content(undone.customer)).toEqual(content(now));
});

test('a deleted customer can not be merged when a third one has its value', async () => {
  const old = await tenant.create(person({ emails: [email('ada@x.example')] }));
  await customers.delete(tenant.caller, old.id);
  const third = await tenant.create(person({ emails: [email('ada@x.example')] }));
  const a = await tenant.create(person());

  await expect(tenant.merge(a.id, old.id)).rejects.toMatchObject({
    code: 'ALREADY_EXISTS',
    metadata: { customerId: third.id },
    violations: [{ field: 'merge.mergedId', reason: 'EMAIL_TAKEN' }],
  });
});

test('one of several concurrent merges of the same customer wins', async () => {
  const b = await tenant.create(person({ emails: [email('b@x.example')] }));
  const others = await Promise.all([1, 2, 3, 4].map(() => tenant.create(person())));

  const results = await Promise.allSettled(others.map(({ id }) => tenant.merge(id, b.id)));

  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const opposite = await Promise.allSettled([
    tenant.merge(others[0]?.id ?? '', others[1]?.id ?? ''),
    tenant.merge(others[1]?.id ?? '', others[0]?.id ?? ''),
  ]);
  expect(opposite.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('a merged customer can not be changed, and each error has the id of the surviving one', async () => {
  const [a, b, c] = await Promise.all([1, 2, 3].map(() => tenant.create(person())));
  if (!a || !b || !c) throw new Error('Three persons.');
  await tenant.merge(a.id, b.id);
  const merged = { code: 'NOT_FOUND', reason: 'CUSTOMER_NOT_FOUND', metadata: { mergedInto: a.id } };

  await expect(customers.update(tenant.caller, b.id, { jobTitle: 'x' })).rejects.toMatchObject(merged);
  await expect(customers.delete(tenant.caller, b.id)).rejects.toMatchObject(merged);
  await expect(tenant.merge(b.id, c.id)).rejects.toMatchObject(merged);
  await expect(tenant.links(b.id)).rejects.toMatchObject(merged);
  await expect(customers.call('findDuplicates', { id: b.id }, tenant.caller)).rejects.toMatchObject(merged);
});

test('a repeated merge returns the first response', async () => {
  const a = await tenant.create(person());
  const b = await tenant.create(person());
  const request = {
    id: a.id,
    merge: { mergedId: b.id, mergedEtag: undefined, preferMerged: [] },
    requestId: 'merge-1',
  };

  expect(await customers.call('mergeCustomers', request, tenant.caller)).toEqual(
    await customers.call('mergeCustomers', request, tenant.caller),
  );
});

test('lists merges, newest first, of one customer or all, and of no other tenant', async () => {
  const [a, b, c, d] = await Promise.all([1, 2, 3, 4].map(() => tenant.create(person())));
  if (!a || !b || !c || !d) throw new Error('Four persons.');
  const first = (await tenant.merge(a.id, b.id)).record.id;
  const second = (await tenant.merge(c.id, d.id)).record.id;
  const third = (await tenant.merge(c.id, a.id)).record.id;
  const ids = async (request: { customerId?: string; pageSize?: number; pageToken?: string }) => {
    const { merges, nextPageToken } = await customers.call('listMerges', request, tenant.caller);
    return { ids: merges.map(({ id }) => id), nextPageToken };
  };

  const page = await ids({ pageSize: 2 });
  expect(page.ids).toEqual([third, second]);
  expect(await ids({ pageSize: 2, pageToken: page.nextPageToken })).toEqual({ ids: [first], nextPageToken: undefined });
  expect((await ids({ customerId: a.id })).ids).toEqual([third, first]);
  await expect(ids({ customerId: a.id, pageToken: page.nextPageToken })).rejects.toMatchObject({
    violations: [{ field: 'pageToken' }],
  });
  tenant = new MergingTenant(customers);
  expect((await ids({})).ids).toEqual([]);
  await expect(customers.call('getMerge', { id: first }, tenant.caller)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(tenant.unmerge(first)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(customers.get(tenant.caller, b.id)).rejects.toMatchObject({ metadata: {} });
});
