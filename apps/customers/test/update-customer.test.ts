import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import type { Caller } from '@rapport/platform';
import { beforeEach, expect, test } from 'vitest';
import { company, customerOf, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let caller: Caller;

beforeEach(() => {
  caller = newCaller();
});

test('changes exactly the fields of the mask, and clears absent ones', async () => {
  const created = await customers.create(caller, person({ jobTitle: 'Analyst', source: 'fair', tags: ['a'] }));

  const updated = await customers.call(
    'updateCustomer',
    {
      id: created.id,
      customer: { ...created, jobTitle: undefined, source: 'ignored', tags: ['b'] },
      updateMask: ['job_title', 'tags'],
    },
    { ...caller, principalId: 'user:other' },
  );

  expect(updated).toEqual({
    ...created,
    jobTitle: undefined,
    tags: ['b'],
    etag: '"2"',
    updateTime: updated.updateTime,
    updatedBy: 'user:other',
  });
  expect(await customers.get(caller, created.id)).toEqual(updated);
});

test('sets the company of a person to a live one, to another, and to none', async () => {
  const [first, second] = await Promise.all([1, 2].map(() => customers.create(caller, company())));
  const { id } = await customers.create(caller, person({ companyId: first?.id }));

  expect((await customers.update(caller, id, { companyId: second?.id })).companyId).toBe(second?.id);
  await expect(customers.update(caller, id, { companyId: id })).rejects.toMatchObject({
    violations: [{ field: 'customer.companyId', reason: 'COMPANY_NOT_FOUND' }],
  });
  expect((await customers.update(caller, id, { companyId: undefined })).companyId).toBeUndefined();
  expect((await customers.get(caller, id)).companyId).toBeUndefined();
});

test('retains version and time when nothing changes', async () => {
  const created = await customers.create(caller, person({ emails: [{ address: 'ada@example.com' }] }));

  expect(await customers.update(caller, created.id, { emails: [{ address: 'ada@EXAMPLE.com' }] })).toEqual(created);
});

test('refuses an empty mask, unknown fields, and immutable fields', async () => {
  const { id } = await customers.create(caller, person());
  const attempt = (updateMask: string[]) =>
    customers.call('updateCustomer', { id, customer: customerOf(person()), updateMask }, caller);

  await expect(attempt([])).rejects.toMatchObject({ violations: [{ field: 'updateMask', reason: 'REQUIRED' }] });
  await expect(attempt(['kind', 'create_time', 'tags', 'emails.address', 'constructor'])).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: [
      { field: 'customer.kind', reason: 'IMMUTABLE' },
      { field: 'customer.createTime', reason: 'OUTPUT_ONLY' },
      { field: 'updateMask', reason: 'UNKNOWN_FIELD' },
      { field: 'updateMask', reason: 'UNKNOWN_FIELD' },
    ],
  });
});

test('refuses a stale etag', async () => {
  const created = await customers.create(caller, person());
  await customers.update(caller, created.id, { jobTitle: 'first' }, created.etag);

  await expect(customers.update(caller, created.id, { jobTitle: 'second' }, created.etag)).rejects.toMatchObject({
    code: 'ABORTED',
    reason: 'ETAG_MISMATCH',
  });
  await customers.update(caller, created.id, { jobTitle: 'third' }, '*');
});

test('lets one of many concurrent updates with the same etag win', async () => {
  const { id, etag } = await customers.create(caller, person());

  const results = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) => customers.update(caller, id, { jobTitle: `title ${index}` }, etag)),
  );

  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect((await customers.get(caller, id)).etag).toBe('"2"');
});

test('updates a derived display name, and retains a given one', async () => {
  const composed = await customers.create(caller, {
    kind: CustomerKind.PERSON,
    givenName: 'Ada',
    familyName: 'Byron',
  });
  const given = await customers.create(caller, person({ displayName: 'The Countess', familyName: 'Byron' }));

  expect((await customers.update(caller, composed.id, { familyName: 'Lovelace' })).displayName).toBe('Ada Lovelace');
  expect((await customers.update(caller, given.id, { familyName: 'Lovelace' })).displayName).toBe('The Countess');
  expect((await customers.update(caller, given.id, { displayName: undefined })).displayName).toBe('Lovelace');
});

test('moves unique values: released ones are free, claimed ones are taken', async () => {
  const first = await customers.create(caller, person({ emails: [{ address: 'old@example.com' }] }));
  await customers.update(caller, first.id, { emails: [{ address: 'new@example.com' }] });

  await customers.create(caller, person({ emails: [{ address: 'old@example.com' }] }));
  await expect(customers.create(caller, person({ emails: [{ address: 'new@example.com' }] }))).rejects.toMatchObject({
    reason: 'EMAIL_TAKEN',
  });
  await expect(customers.update(caller, first.id, { emails: [{ address: 'old@example.com' }] })).rejects.toMatchObject({
    reason: 'EMAIL_TAKEN',
    violations: [{ field: 'customer.emails[0].address' }],
  });
  expect((await customers.get(caller, first.id)).emails).toEqual([{ address: 'new@example.com' }]);
});
