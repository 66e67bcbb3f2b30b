import { LifecycleStage, PostalAddress } from '@rapport/contracts/rapport/customers/v1/customer';
import { beforeEach, expect, test } from 'vitest';
import { content, email, MergingTenant, phone } from './merging-tenant.js';
import { person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let tenant: MergingTenant;

beforeEach(() => {
  tenant = new MergingTenant(customers);
});

test('an unmerge restores both customers', async () => {
  await tenant.defineTextFields('plan');
  const a = await tenant.create(
    person({ emails: [email('a@x.example')], externalIds: [{ system: 'erp', value: '1' }], tags: ['a'] }),
  );
  const b = await tenant.create(
    person({
      jobTitle: 'b',
      customFields: { plan: 'gold' },
      lifecycleStage: LifecycleStage.CUSTOMER,
      emails: [email('b@x.example', 'work')],
      tags: ['b', 'a'],
      externalIds: [
        { system: 'erp', value: '2' },
        { system: 'crm', value: '2' },
      ],
    }),
  );
  const { record } = await tenant.merge(a.id, b.id, { preferMerged: ['tags', 'externalIds', 'displayName'] });

  const { customer, restored, keptFields, merge: undone } = await tenant.unmerge(record.id);

  expect(content(customer)).toEqual(content(a));
  expect(content(restored)).toEqual(content(b));
  expect([customer.etag, restored.etag, keptFields]).toEqual(['"3"', '"3"', []]);
  expect(undone).toEqual({ ...record, undoTime: undone?.undoTime, undoneBy: tenant.caller.principalId });
  expect(undone?.undoTime).toBeDefined();
  expect(await customers.get(tenant.caller, b.id)).toEqual(restored);
  await expect(tenant.unmerge(record.id)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'MERGE_UNDONE',
  });
});

test('a merge of an earlier release, which did not know all lists, can be undone', async () => {
  const a = await tenant.create(person({ tags: ['a'], phones: [phone('+493012345678')] }));
  const b = await tenant.create(person({ tags: ['b'] }));
  const [first, second] = [
    await tenant.merge(a.id, b.id),
    await tenant.merge(a.id, (await tenant.create(person())).id),
  ];
  await tenant.execute(
    `update customer_merge set undo = undo #- '{before,tags}' #- '{after,tags}' #- '{before,phones}' #- '{after,phones}'`,
    [],
  );

  expect((await tenant.unmerge(first.record.id)).customer).toMatchObject({ tags: ['a', 'b'], phones: a.phones });
  expect((await tenant.unmerge(second.record.id)).customer).toMatchObject({ tags: ['a', 'b'], phones: a.phones });
});

test('an unmerge retains later changes, and reports them', async () => {
  const a = await tenant.create(person({ tags: ['a'] }));
  const b = await tenant.create(
    person({
      jobTitle: 'b',
      source: 'b',
      tags: ['b', 'c'],
      phones: [phone('+493012345678')],
      emails: [email('b@x.example')],
    }),
  );
  const { record } = await tenant.merge(a.id, b.id);
  await customers.update(tenant.caller, a.id, {
    jobTitle: 'edited',
    givenName: 'Ada',
    tags: ['c', 'mine', 'a'],
    phones: [{ number: '+493012345678', label: 'edited' }],
    emails: [email('b@x.example', 'edited'), email('new@x.example')],
  });

  const { customer, restored, keptFields } = await tenant.unmerge(record.id);

  expect(customer).toMatchObject({
    jobTitle: 'edited',
    givenName: 'Ada',
    source: undefined,
    tags: ['mine', 'a'],
    phones: [{ number: '+493012345678', label: 'edited' }],
    emails: [email('new@x.example')],
  });
  expect(keptFields).toEqual(['jobTitle', 'phones']);
  expect(content(restored)).toEqual(content(b));
});

test('two merges can be undone in any order', async () => {
  const make = () =>
    Promise.all([
      tenant.create(person({ tags: ['a'] })),
      tenant.create(person({ jobTitle: 'b', tags: ['x', 'b'], source: 'b' })),
      tenant.create(person({ jobTitle: 'c', tags: ['x', 'c'] })),
    ]);
  const [a, b, c] = await make();
  const first = await tenant.merge(a.id, b.id);
  const second = await tenant.merge(a.id, c.id, { preferMerged: ['jobTitle'] });
  expect(second.customer).toMatchObject({ jobTitle: 'c', source: 'b', tags: ['a', 'x', 'b', 'c'] });

  const withoutFirst = (await tenant.unmerge(first.record.id)).customer;
  expect(withoutFirst).toMatchObject({ jobTitle: 'c', source: undefined, tags: ['a', 'x', 'c'] });
  const { customer, restored } = await tenant.unmerge(second.record.id);

  expect(content(customer)).toEqual(content(a));
  expect(content(restored)).toEqual(content(c));
  expect(content(await customers.get(tenant.caller, b.id))).toEqual(content(b));
});

test('a merge that another depends on can only be undone after it', async () => {
  const [x, a, b] = await Promise.all([1, 2, 3].map(() => tenant.create(person())));
  if (!x || !a || !b) throw new Error('Three persons.');
  const first = await tenant.merge(a.id, b.id);
  const second = await tenant.merge(x.id, a.id);

  await expect(customers.get(tenant.caller, b.id)).rejects.toMatchObject({ metadata: { mergedInto: x.id } });
  await expect(tenant.unmerge(first.record.id)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'MERGE_BUILT_UPON',
    metadata: { mergeId: second.record.id },
  });
  await tenant.unmerge(second.record.id);
  await customers.delete(tenant.caller, a.id);
  await expect(tenant.unmerge(first.record.id)).rejects.toMatchObject({ reason: 'CUSTOMER_DELETED' });
  await customers.call('undeleteCustomer', { id: a.id }, tenant.caller);
  await tenant.unmerge(first.record.id);
  expect(content(await customers.get(tenant.caller, b.id))).toEqual(content(b));
});

test('an unmerge fails without effect when a third customer has a value of the merged one', async () => {
  const a = await tenant.create(person());
  const b = await tenant.create(person({ emails: [email('b@x.example')] }));
  const { record } = await tenant.merge(a.id, b.id);
  await customers.update(tenant.caller, a.id, { emails: [] });
  const third = await tenant.create(person({ emails: [email('b@x.example')] }));
  const now = await customers.get(tenant.caller, a.id);

  await expect(tenant.unmerge(record.id)).rejects.toMatchObject({
    code: 'ALREADY_EXISTS',
    reason: 'EMAIL_TAKEN',
    metadata: { customerId: third.id },
  });
  expect(await customers.get(tenant.caller, a.id)).toEqual(now);
});

test('a merge with a custom field named like a property of Object.prototype can be undone', async () => {
  await tenant.defineTextFields('plan', 'constructor');
  const a = await tenant.create(person({ customFields: { plan: 'a' } }));
  const b = await tenant.create(person({ customFields: Object.fromEntries([['constructor', 'b']]) }));
  const { record } = await tenant.merge(a.id, b.id);

  const { customer, keptFields } = await tenant.unmerge(record.id);

  expect([customer.customFields, keptFields]).toEqual([{ plan: 'a' }, []]);
});

test('an unmerge retains all own addresses that differ only in their label', async () => {
  const address = (label: string, city = 'Oslo') => PostalAddress.create({ street: 'Main 1', city, label });
  const a = await tenant.create(person({ addresses: [address('billing'), address('shipping')] }));
  const b = await tenant.create(person({ addresses: [address('home', 'Bergen')] }));
  const { customer: united, record } = await tenant.merge(a.id, b.id);
  await customers.update(tenant.caller, a.id, { addresses: [...united.addresses, address('new', 'Rome')] });

  const { customer } = await tenant.unmerge(record.id);

  expect(customer.addresses).toEqual([...a.addresses, expect.objectContaining(address('new', 'Rome'))]);
});
