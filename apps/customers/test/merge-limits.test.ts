import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { beforeEach, expect, test, vi } from 'vitest';
import { email, MergingTenant } from './merging-tenant.js';
import { copyCustomer } from './seeded-tenant.js';
import { company, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let tenant: MergingTenant;

beforeEach(() => {
  tenant = new MergingTenant(customers);
});

test('reports each list that would be too long', async () => {
  const many = (from: number) => ({
    tags: Array.from({ length: 30 }, (_, index) => `tag ${from + index}`),
    emails: Array.from({ length: 15 }, (_, index) => email(`${from + index}@x.example`)),
  });
  const a = await tenant.create(person(many(0)));
  const b = await tenant.create(person(many(100)));

  await expect(tenant.merge(a.id, b.id)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: [
      { field: 'merge.mergedId', reason: 'TOO_MANY_ITEMS', description: expect.stringContaining('emails') as string },
      { field: 'merge.mergedId', reason: 'TOO_MANY_ITEMS', description: expect.stringContaining('tags') as string },
    ],
  });
  expect(await customers.get(tenant.caller, a.id)).toEqual(a);
});

test('merges a customer that grew by updates beyond the limit of one request', async () => {
  const options = Array.from({ length: 50 }, (_, index) => `option ${index}`);
  await tenant.execute(
    `insert into custom_field (tenant_id, key, type, options, searchable, version, create_time, update_time)
     select ?, 'field' || n, 'MULTI_SELECT', ?, false, 1, now(), now() from generate_series(1, 24) n`,
    [tenant.caller.tenantId, JSON.stringify(options.map((value) => ({ value })))],
  );
  const fields = (from: number) =>
    Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`field${from + index}`, options]));
  const a = await tenant.create(person({ customFields: fields(1) }));
  await customers.update(tenant.caller, a.id, { customFields: fields(13) });
  const b = await tenant.create(person({ jobTitle: 'b' }));

  const { customer } = await tenant.merge(a.id, b.id);

  expect(customer).toMatchObject({ jobTitle: 'b', customFields: { ...fields(1), ...fields(13) } });
});

test('moves 10,000 people and associations with a company and back, and refuses more before it moves any', async () => {
  const [a, b] = [await tenant.create(company()), await tenant.create(company({ displayName: 'Other' }))];
  const ada = await tenant.create(person({ companyId: b.id }));
  const linkId = await tenant.associate(b.id, ada.id);
  await copyCustomer(customers, ada.id, 9_999);

  await expect(tenant.merge(a.id, b.id)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'MERGE_TOO_LARGE',
    message: expect.stringContaining('10,000') as string,
  });
  expect((await customers.get(tenant.caller, ada.id)).etag).toBe('"1"');
  await customers.call('deleteAssociation', { id: linkId }, tenant.caller);
  const { record } = await tenant.merge(a.id, b.id);
  expect((await customers.get(tenant.caller, ada.id)).companyId).toBe(a.id);
  await tenant.unmerge(record.id);
  expect((await customers.get(tenant.caller, ada.id)).companyId).toBe(b.id);
});

test('counts the records whose custom fields refer to a customer', async () => {
  await tenant.defineReference('friend');
  const [a, b] = [await tenant.create(person()), await tenant.create(person({ displayName: 'Bob' }))];
  const ada = await tenant.create(person({ customFields: { friend: b.id } }));
  await copyCustomer(customers, ada.id, 10_000);

  await expect(tenant.merge(a.id, b.id)).rejects.toMatchObject({ reason: 'MERGE_TOO_LARGE' });
});

test('reads the custom fields that can refer to a customer once', async () => {
  await tenant.defineReference('friend');
  const [a, b] = [await tenant.create(person()), await tenant.create(person({ displayName: 'Bob' }))];
  const ada = await tenant.create(person({ customFields: { friend: b.id } }));
  const find = vi.spyOn(PostgreSqlDriver.prototype, 'find');
  await tenant.merge(a.id, b.id);
  const conditions = find.mock.calls.map(([, where]) => JSON.stringify(where));
  find.mockRestore();

  expect(conditions.filter((text) => text.includes('"REFERENCE"'))).toHaveLength(1);
  expect((await customers.get(tenant.caller, ada.id)).customFields).toEqual({ friend: a.id });
});

test('undoes a merge before 1,000 later ones, which lose its values, and refuses it before more', async () => {
  const [a, b, c] = [
    await tenant.create(person({ tags: ['a'] })),
    await tenant.create(person({ tags: ['b'] })),
    await tenant.create(person({ tags: ['c'] })),
  ];
  const { record } = await tenant.merge(a.id, b.id);
  const later = await tenant.merge(a.id, c.id);
  await copyCustomer(customers, c.id, 1_000);
  await tenant.execute(
    `insert into customer_merge (tenant_id, id, customer_id, merged_id, undo, create_time, created_by)
     select merge.tenant_id, uuidv7(interval '1 minute'), customer_id, copy.id,
       jsonb_set(undo, '{before}', undo -> 'after'), merge.create_time, merge.created_by
     from customer_merge merge join customer copy on copy.merged_into_id = merge.customer_id and copy.id not in (?, ?)
     where merge.id = ?`,
    [b.id, c.id, later.record.id],
  );

  await expect(tenant.unmerge(record.id)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'TOO_MANY_LATER_MERGES',
    message: expect.stringContaining('1,000') as string,
  });
  await tenant.unmerge(later.record.id);
  const { customer } = await tenant.unmerge(record.id);

  expect(customer.tags).toEqual(['a', 'c']);
  // Replayed in pages: the last of them includes the change to the first.
  await tenant.execute(
    `select 1 / (count(*) = 1000)::int from customer_merge where undo_time is null and undo #>> '{after,tags}' = '["a", "c"]'`,
    [],
  );
});
