import { CustomerKind, LifecycleStage, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  BatchMode,
  type CreateCustomerItem,
  type UpdateCustomerItem,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { AppError, Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { ImportTenant } from './import-tenant.js';
import { company, customerOf, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let caller: Caller;

beforeEach(() => {
  caller = newCaller();
});

const { ATOMIC, PER_ITEM } = BatchMode;

function creation(customer: Partial<Customer>): CreateCustomerItem {
  return { customer: customerOf(customer) };
}

/** Changes exactly the fields that `changes` names. */
function change(id: string, changes: Partial<Customer>, etag?: string): UpdateCustomerItem {
  return { id, customer: customerOf(changes), updateMask: Object.keys(changes), etag };
}

function mail(address: string): Partial<Customer> {
  return { emails: [{ address }] };
}

function people(count: number): CreateCustomerItem[] {
  return Array.from({ length: count }, (_, index) =>
    creation(person({ displayName: `Person ${index}`, ...mail(`person${index}@example.com`) })),
  );
}

async function create(items: CreateCustomerItem[], mode = ATOMIC): Promise<Customer[]> {
  const { results } = await customers.call('batchCreateCustomers', { batch: { items, mode } }, caller);
  return results.flatMap(({ customer }) => customer ?? []);
}

async function countStored(): Promise<number> {
  let count = 0;
  for (let pageToken: string | undefined, first = true; first || pageToken !== undefined; first = false) {
    const page = await customers.call('listCustomers', { pageSize: 200, pageToken }, caller);
    count += page.customers.length;
    pageToken = page.nextPageToken;
  }
  return count;
}

/** 1,000 creations, ten of them invalid; the reason by index. */
async function creationsWithFaults(): Promise<{ items: CreateCustomerItem[]; faults: [number, string][] }> {
  await customers.create(caller, person(mail('taken@example.com')));
  const items = people(1_000);
  const wrong: [number, CreateCustomerItem, string][] = [
    [0, creation(person(mail('no address'))), 'VALIDATION_FAILED'],
    [17, creation({ displayName: 'No kind' }), 'VALIDATION_FAILED'],
    [99, creation(person(mail('TAKEN@example.com'))), 'EMAIL_TAKEN'],
    [100, { customer: undefined }, 'VALIDATION_FAILED'],
    [500, creation(person(mail('person1@example.com'))), 'EMAIL_TAKEN'],
    [501, creation(person({ companyId: v7() })), 'VALIDATION_FAILED'],
    [502, creation(person({ domains: ['example.com'] })), 'VALIDATION_FAILED'],
    [700, creation({ kind: CustomerKind.COMPANY }), 'VALIDATION_FAILED'],
    [998, creation(person({ tags: ['nul \0'] })), 'VALIDATION_FAILED'],
    [999, creation(person({ displayName: 'x'.repeat(301) })), 'VALIDATION_FAILED'],
  ];
  for (const [index, item] of wrong) items[index] = item;
  return { items, faults: wrong.map(([index, , reason]) => [index, reason]) };
}

describe('1,000 creations with 10 invalid ones', () => {
  test('create 990 customers and report 10 problems in place in mode PER_ITEM', async () => {
    const { items, faults } = await creationsWithFaults();

    const { results } = await customers.call('batchCreateCustomers', { batch: { items, mode: PER_ITEM } }, caller);

    const problems = results.flatMap(({ problem }, index) => (problem ? [[index, problem.reason]] : []));
    expect(problems).toEqual(faults);
    const wanted = items.map(({ customer }, index) =>
      faults.some(([place]) => place === index) ? undefined : customer?.displayName,
    );
    expect(results.map(({ customer }) => customer?.displayName)).toEqual(wanted);
    expect(results[0]?.problem?.violations).toMatchObject([
      { field: 'customer.emails[0].address', reason: 'BAD_FORMAT' },
    ]);
    expect(results[500]?.problem).toMatchObject({ code: 'ALREADY_EXISTS', customerId: results[1]?.customer?.id });
    expect(await countStored()).toBe(991);
  });

  test('create none and report all 10 in mode ATOMIC', async () => {
    const { items, faults } = await creationsWithFaults();

    const attempt = customers.call('batchCreateCustomers', { batch: { items, mode: ATOMIC } }, caller);

    const { code, violations } = await attempt.then(
      () => expect.fail('the batch succeeded'),
      (error: unknown) => error as AppError,
    );
    expect(code).toBe('INVALID_ARGUMENT');
    expect(violations[0]?.field).toBe('batch.items[0].customer.emails[0].address');
    const places = violations.map(({ field }) => Number(/^batch\.items\[(\d+)\]\./.exec(field)?.[1]));
    expect([...new Set(places)]).toEqual(faults.map(([index]) => index));
    expect(await countStored()).toBe(1);
  });
});

test('stores the same as CreateCustomer', async () => {
  const [one, two] = await create([creation(company({ domains: ['a.example'], tags: ['t'] })), ...people(1)]);

  expect(await customers.get(caller, one?.id ?? '')).toEqual(one);
  expect(await customers.get(caller, two?.id ?? '')).toEqual(two);
  expect(one).toMatchObject({ etag: '"1"', domains: ['a.example'], createdBy: caller.principalId });
});

test.each([PER_ITEM, ATOMIC])('repeats the response, not the write, in mode %i', async (mode) => {
  const request = { batch: { items: people(20), mode }, requestId: v7() };

  const first = await customers.call('batchCreateCustomers', request, caller);

  expect(await customers.call('batchCreateCustomers', request, caller)).toEqual(first);
  expect(await countStored()).toBe(20);
  await expect(
    customers.call('batchCreateCustomers', { ...request, batch: { items: people(1), mode } }, caller),
  ).rejects.toMatchObject({ reason: 'IDEMPOTENCY_KEY_REUSED' });
});

test('updates in order: a second update of one customer sees the first', async () => {
  const [ada, bob] = await create(people(2));
  const [id, other] = [ada?.id ?? '', bob?.id ?? ''];
  const items = [
    change(id, { jobTitle: 'one' }, '"1"'),
    change(id, { jobTitle: 'two' }, '"1"'),
    change(id, { source: 'three' }, '"2"'),
    change(id, mail('new@example.com')),
    change(other, mail('person0@example.com')),
    change(id, mail('person0@example.com')),
    change(v7(), { jobTitle: 'unknown id' }),
    change(id, { kind: CustomerKind.COMPANY }),
  ];

  const { results } = await customers.call('batchUpdateCustomers', { batch: { items, mode: PER_ITEM } }, caller);

  expect(results.map(({ customer, problem }) => customer?.etag ?? problem?.reason)).toEqual([
    '"2"',
    'ETAG_MISMATCH',
    '"3"',
    '"4"',
    '"2"',
    'EMAIL_TAKEN',
    'CUSTOMER_NOT_FOUND',
    'VALIDATION_FAILED',
  ]);
  expect(await customers.get(caller, id)).toEqual(results[3]?.customer);
  expect(results[3]?.customer).toMatchObject({ jobTitle: 'one', source: 'three' });
  expect(await customers.get(caller, other)).toEqual(results[4]?.customer);
  await customers.create(caller, person(mail('person1@example.com')));
  await expect(customers.create(caller, person(mail('new@example.com')))).rejects.toMatchObject({
    reason: 'EMAIL_TAKEN',
  });
});

test('deletes, frees unique values, and refuses stale etags, unknown ids and a second deletion', async () => {
  const [ada, bob] = await create(people(2));
  const items = [
    { id: ada?.id ?? '', etag: '"1"' },
    { id: ada?.id ?? '', etag: undefined },
    { id: bob?.id ?? '', etag: '"7"' },
    { id: 'no uuid', etag: undefined },
  ];

  await expect(
    customers.call('batchDeleteCustomers', { batch: { items, mode: ATOMIC } }, caller),
  ).rejects.toMatchObject({
    code: 'NOT_FOUND',
    violations: [
      { field: 'batch.items[1].id', reason: 'CUSTOMER_NOT_FOUND' },
      { field: 'batch.items[2].etag', reason: 'ETAG_MISMATCH' },
      { field: 'batch.items[3].id', reason: 'BAD_FORMAT' },
    ],
  });
  const { results } = await customers.call('batchDeleteCustomers', { batch: { items, mode: PER_ITEM } }, caller);

  expect(results.map(({ problem }) => problem?.reason)).toEqual([
    undefined,
    'CUSTOMER_NOT_FOUND',
    'ETAG_MISMATCH',
    'VALIDATION_FAILED',
  ]);
  await create(people(1));
  expect(await countStored()).toBe(2);
});

test("treats another tenant's id like a missing one", async () => {
  const foreign = await customers.create(newCaller(), person());
  const problems = async (id: string) => {
    const deletion = { items: [{ id, etag: undefined }], mode: PER_ITEM };
    const update = { items: [change(id, { jobTitle: 'x' })], mode: PER_ITEM };
    return [
      await customers.call('batchDeleteCustomers', { batch: deletion }, caller),
      await customers.call('batchUpdateCustomers', { batch: update }, caller),
    ];
  };

  expect(await problems(foreign.id)).toEqual(await problems(v7()));
});

test('refuses a batch without items and one of more than 1,000', async () => {
  const field = 'batch.items';
  await expect(create([])).rejects.toMatchObject({ violations: [{ field, reason: 'TOO_FEW_ITEMS' }] });
  await expect(create(people(1_001))).rejects.toMatchObject({ violations: [{ field, reason: 'TOO_MANY_ITEMS' }] });
});

test('fails as a whole after a concurrent write takes a unique value, and reports it on a retry', async () => {
  const tenant = await ImportTenant.create(customers);
  const batch = { items: people(3), mode: PER_ITEM };
  const commit = await tenant.beginEve('person1@example.com');

  const outcome = expect(customers.call('batchCreateCustomers', { batch }, tenant.caller)).rejects.toMatchObject({
    code: 'ABORTED',
    reason: 'CONCURRENT_WRITE',
  });
  await commit();
  await outcome;
  const { results } = await customers.call('batchCreateCustomers', { batch }, tenant.caller);
  await tenant.close();

  expect(results.map(({ problem }) => problem?.reason)).toEqual([undefined, 'EMAIL_TAKEN', undefined]);
});

test('a customer is stored equally by a single create and a batch', async () => {
  const wanted = person({
    phones: [{ number: '+49 30 901820' }],
    addresses: [{ street: 'Hauptstraße 1', countryCode: 'DE' }],
    tags: ['vip', 'two words', 'null'],
    lifecycleStage: LifecycleStage.LEAD,
    ownerId: v7(),
  });
  await customers.create(caller, wanted);
  await create([creation(wanted), creation(wanted)]);

  const superuser = await customers.connectAsSuperuser();
  const { rows } = await superuser.query<{ stored: object }>(
    `select to_jsonb(customer) - array['id', 'create_time', 'update_time', 'lifecycle_stage_time'] as stored
     from customer where tenant_id = $1 order by id`,
    [caller.tenantId],
  );
  await superuser.end();
  const [alone, ...inBatch] = rows;
  expect(inBatch).toEqual([alone, alone]);
  expect(alone?.stored).toMatchObject({ emails: [], domains: [], tags: wanted.tags, order_values: {} });
});
