import { CustomerKind, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { ListMode, UpsertMatch } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { AppError, type Caller } from '@rapport/platform';
import { beforeEach, expect, test } from 'vitest';
import { company, customerOf, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let caller: Caller;

beforeEach(() => {
  caller = newCaller();
});

function upsert(
  customer: Partial<Customer>,
  match = UpsertMatch.EMAIL,
  matchSystem?: string,
  listMode = ListMode.UNSPECIFIED,
) {
  return customers.call('upsertCustomer', { customer: customerOf(customer), match, matchSystem, listMode }, caller);
}

const emails = [{ address: 'ada@example.com', label: undefined }];

/** Upserts again while the tenant has too many calls at the database, as its answer asks. */
async function untilTaken(customer: Parameters<typeof upsert>[0]): ReturnType<typeof upsert> {
  for (;;) {
    try {
      return await upsert(customer);
    } catch (error) {
      if (!(error instanceof AppError && error.reason === 'TOO_MANY_CONCURRENT')) throw error;
    }
  }
}

test('creates one customer for 50 concurrent upserts of a new e-mail address', async () => {
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      untilTaken(person({ emails: [{ address: 'Ada@Example.com' }], jobTitle: `title ${index % 5}` })),
    ),
  );

  expect(answers.filter(({ created }) => created)).toHaveLength(1);
  expect(new Set(answers.map(({ customer }) => customer?.id)).size).toBe(1);
  expect(await customers.names(caller, {})).toEqual(['Ada Lovelace']);
});

test('updates the fields of the request, unites lists, and leaves the others', async () => {
  const { customer: first } = await upsert(person({ emails, jobTitle: 'Analyst', tags: ['a', 'b'], source: 'fair' }));
  const { customer, created } = await upsert({ kind: CustomerKind.PERSON, emails, tags: ['c'], source: 'web' });

  expect(created).toBe(false);
  expect(customer).toEqual({
    ...first,
    tags: ['a', 'b', 'c'],
    source: 'web',
    etag: '"2"',
    updateTime: customer?.updateTime,
  });
  expect((await upsert({ kind: CustomerKind.PERSON, emails, tags: ['c'] })).customer).toEqual(customer);
});

test('unites lists, so that two systems do not remove each other’s items', async () => {
  const address = {
    street: 'Ring 1',
    city: 'Wien',
    countryCode: 'AT',
    state: undefined,
    postalCode: undefined,
    label: undefined,
  };
  const first = await upsert(
    person({
      emails: [{ address: 'ada@example.com', label: 'work' }],
      phones: [{ number: '+43158801', label: undefined }],
      addresses: [address],
      tags: ['a'],
      externalIds: [
        { system: 'shop', value: '1' },
        { system: 'erp', value: '4711' },
      ],
    }),
  );
  const byErp = await upsert(
    person({
      emails: [
        { address: 'ADA@example.com', label: 'home' },
        { address: 'king@example.com', label: undefined },
      ],
      phones: [
        { number: '01 58801', label: 'mobile' },
        { number: '+493012345678', label: undefined },
      ],
      addresses: [
        { ...address, postalCode: '1010' },
        { ...address, city: 'Graz' },
      ],
      tags: ['b', 'a'],
      externalIds: [{ system: 'erp', value: '4711' }],
    }),
    UpsertMatch.EXTERNAL_ID,
    'erp',
  );

  expect(byErp.created).toBe(false);
  expect(byErp.customer).toMatchObject({
    id: first.customer?.id,
    emails: [
      { address: 'ada@example.com', label: 'work' },
      { address: 'king@example.com', label: undefined },
    ],
    phones: [
      { number: '+43158801', label: 'mobile' },
      { number: '+493012345678', label: undefined },
    ],
    addresses: [
      { ...address, postalCode: '1010' },
      { ...address, city: 'Graz' },
    ],
    tags: ['a', 'b'],
    externalIds: [
      { system: 'shop', value: '1' },
      { system: 'erp', value: '4711' },
    ],
  });
  const again = await upsert(person({ emails, tags: ['b'] }));
  expect(again.customer).toEqual(byErp.customer);
});

test('replaces the given lists with listMode REPLACE', async () => {
  const externalIds = [{ system: 'erp', value: '4711' }];
  await upsert(person({ emails, externalIds, tags: ['a'], phones: [{ number: '+43158801', label: undefined }] }));
  const { customer } = await upsert(
    person({ emails, externalIds: [{ system: 'erp', value: '4712' }], tags: ['b'] }),
    UpsertMatch.EMAIL,
    undefined,
    ListMode.REPLACE,
  );

  expect(customer).toMatchObject({
    tags: ['b'],
    externalIds: [{ system: 'erp', value: '4712' }],
    phones: [{ number: '+43158801' }],
  });
});

test('refuses a second id of the same system, and more items than a list may have', async () => {
  const { customer } = await upsert(person({ emails, externalIds: [{ system: 'erp', value: '4711' }] }));
  await expect(
    upsert(
      person({
        emails,
        externalIds: [
          { system: 'shop', value: '1' },
          { system: 'erp', value: '4712' },
        ],
      }),
    ),
  ).rejects.toMatchObject({
    code: 'ALREADY_EXISTS',
    metadata: { customerId: customer?.id },
    violations: [{ field: 'customer.externalIds[1].value', reason: 'EXTERNAL_ID_DIFFERS' }],
  });
  const phones = (start: number) =>
    Array.from({ length: 15 }, (_, n) => ({ number: `+4315880${start + n}`, label: undefined }));
  await upsert(person({ emails, phones: phones(100) }));
  await expect(upsert(person({ emails, phones: phones(200) }))).rejects.toMatchObject({
    violations: [{ field: 'customer.phones', reason: 'TOO_MANY_ITEMS' }],
  });
});

test('reports a value of another customer by its path in the request', async () => {
  const other = { address: 'other@example.com', label: undefined };
  await customers.create(caller, person({ emails: [other] }));
  const externalIds = [{ system: 'erp', value: '4711' }];
  await upsert(person({ emails: [...emails, { address: 'king@example.com', label: undefined }], externalIds }));

  await expect(upsert(person({ emails: [other], externalIds }), UpsertMatch.EXTERNAL_ID, 'erp')).rejects.toMatchObject({
    violations: [{ field: 'customer.emails[0].address', reason: 'EMAIL_TAKEN' }],
  });
});

test('matches by domain and by external id', async () => {
  const domains = ['example.com'];
  const externalIds = [
    { system: 'crm', value: '1' },
    { system: 'erp', value: '4711' },
  ];
  const made = await upsert(company({ domains, externalIds }), UpsertMatch.DOMAIN);

  const byDomain = await upsert(company({ domains: ['EXAMPLE.com'], source: 'a' }), UpsertMatch.DOMAIN);
  const byId = await upsert(company({ externalIds, source: 'b' }), UpsertMatch.EXTERNAL_ID, 'erp');

  expect(made.created).toBe(true);
  for (const { customer, created } of [byDomain, byId]) {
    expect({ id: customer?.id, created }).toEqual({ id: made.customer?.id, created: false });
  }
});

test.each([UpsertMatch.DOMAIN, UpsertMatch.EXTERNAL_ID])(
  'creates one customer for concurrent upserts with match %i',
  async (match) => {
    const keys = { domains: ['example.com'], externalIds: [{ system: 'erp', value: '1' }] };
    const answers = await Promise.all(Array.from({ length: 10 }, () => upsert(company(keys), match, 'erp')));

    expect(answers.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(answers.map(({ customer }) => customer?.id)).size).toBe(1);
  },
);

test('changes nothing when another customer has a further unique value', async () => {
  const other = await customers.create(caller, person({ emails: [{ address: 'other@example.com' }] }));
  const both = [...emails, { address: 'other@example.com', label: undefined }];

  const refused = {
    code: 'ALREADY_EXISTS',
    metadata: { customerId: other.id },
    violations: [{ field: 'customer.emails[1].address', reason: 'EMAIL_TAKEN' }],
  };
  await expect(upsert(person({ emails: both }))).rejects.toMatchObject(refused);
  expect(await customers.names(caller, { filter: 'emails:ada@example.com' })).toEqual([]);
  const { customer } = await upsert(person({ emails }));
  await expect(upsert(person({ emails: both, jobTitle: 'lost' }))).rejects.toMatchObject(refused);
  expect(await customers.get(caller, customer?.id ?? '')).toEqual(customer);
});

test('refuses a customer of the other kind, and one without the value to match', async () => {
  await upsert(person({ emails }));

  await expect(upsert(company({ emails }))).rejects.toMatchObject({
    violations: [{ field: 'customer.kind', reason: 'KIND_MISMATCH' }],
  });
  await expect(upsert(person())).rejects.toMatchObject({
    violations: [{ field: 'customer.emails', reason: 'REQUIRED' }],
  });
  await expect(upsert(company(), UpsertMatch.DOMAIN)).rejects.toMatchObject({
    violations: [{ field: 'customer.domains', reason: 'REQUIRED' }],
  });
  await expect(upsert(person({ emails }), UpsertMatch.EXTERNAL_ID)).rejects.toMatchObject({
    violations: [{ field: 'matchSystem', reason: 'REQUIRED' }],
  });
  await expect(upsert(person({ emails }), UpsertMatch.EXTERNAL_ID, 'erp')).rejects.toMatchObject({
    violations: [{ field: 'customer.externalIds', reason: 'REQUIRED' }],
  });
});

test('never restores a deleted customer, even one deleted concurrently', async () => {
  const { customer: first } = await upsert(person({ emails }));
  await customers.delete(caller, first?.id ?? '');
  const { customer: second, created } = await upsert(person({ emails }));

  expect(created).toBe(true);
  expect(second?.id).not.toBe(first?.id);
  const answers = await Promise.all([
    ...Array.from({ length: 5 }, () => upsert(person({ emails, source: 'race' }))),
    customers.delete(caller, second?.id ?? '').then(() => undefined),
  ]);
  expect(answers.filter((answer) => answer?.created).length).toBeLessThanOrEqual(1);
  await expect(customers.get(caller, second?.id ?? '')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('isolates customers of two tenants', async () => {
  const { customer: ours } = await upsert(person({ emails }));
  caller = newCaller();
  const { customer: theirs, created } = await upsert(person({ emails }));

  expect(created).toBe(true);
  expect(theirs?.id).not.toBe(ours?.id);
});
