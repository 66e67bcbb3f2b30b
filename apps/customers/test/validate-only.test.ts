import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { BatchMode, UpsertMatch } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { createOrm, tenantSession } from '@rapport/persistence';
import type { Caller } from '@rapport/platform';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { company, customerOf, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let orm: ReturnType<typeof createOrm>;
let caller: Caller;
let ada: Customer;
let copy: Customer;
let gone: Customer;
let firm: Customer;

beforeAll(() => {
  orm = createOrm({ databaseUrl: customers.urls.appUrl, entities });
});
afterAll(() => orm.close());
beforeEach(async () => {
  caller = newCaller();
  ada = await customers.create(caller, person({ emails: [email('ada@x.example')], tags: ['a'] }));
  copy = await customers.create(
    caller,
    person({ emails: [email('copy@x.example')], jobTitle: 'Analyst', tags: ['b'] }),
  );
  gone = await customers.create(caller, person({ emails: [email('gone@x.example')] }));
  await customers.delete(caller, gone.id);
  firm = await customers.create(caller, company());
});

const email = (address: string) => ({ address, label: undefined });

/** Every write of the service: its request, and one that is refused because of stored data. */
const writes: Record<string, { name: string; request: () => object; conflict: () => object; code?: string }> = {
  create: {
    name: 'createCustomer',
    request: () => ({ customer: customerOf(person({ emails: [email('new@x.example')] })) }),
    conflict: () => ({ customer: customerOf(person({ emails: [email('ada@x.example')] })) }),
  },
  update: {
    name: 'updateCustomer',
    request: () => update(ada.id, 'new@x.example'),
    conflict: () => update(ada.id, 'copy@x.example'),
  },
  delete: {
    name: 'deleteCustomer',
    request: () => ({ id: ada.id, etag: ada.etag }),
    conflict: () => ({ id: ada.id, etag: '"9"' }),
    code: 'ABORTED',
  },
  undelete: {
    name: 'undeleteCustomer',
    request: () => ({ id: gone.id }),
    conflict: () => ({ id: ada.id }),
    code: 'FAILED_PRECONDITION',
  },
  'upsert that creates': {
    name: 'upsertCustomer',
    request: () => upsert('new@x.example'),
    conflict: () => upsert('new@x.example', 'ada@x.example'),
  },
  'upsert that updates': {
    name: 'upsertCustomer',
    request: () => upsert('ada@x.example', 'new@x.example'),
    conflict: () => upsert('ada@x.example', 'copy@x.example'),
  },
  'batch of creates': {
    name: 'batchCreateCustomers',
    request: () => batch({ customer: customerOf(person({ emails: [email('new@x.example')] })) }),
    conflict: () => batch({ customer: customerOf(person({ emails: [email('ada@x.example')] })) }),
  },
  'batch of updates': {
    name: 'batchUpdateCustomers',
    request: () => batch(update(ada.id, 'new@x.example')),
    conflict: () => batch(update(ada.id, 'copy@x.example')),
  },
  'batch of deletes': {
    name: 'batchDeleteCustomers',
    request: () => batch({ id: ada.id, etag: ada.etag }),
    conflict: () => batch({ id: ada.id, etag: '"9"' }),
    code: 'ABORTED',
  },
  association: {
    name: 'createAssociation',
    request: () => ({ association: link(ada.id, firm.id) }),
    conflict: () => ({ association: link(ada.id, gone.id) }),
    code: 'INVALID_ARGUMENT',
  },
  merge: {
    name: 'mergeCustomers',
    request: () => ({ id: ada.id, merge: { mergedId: copy.id, mergedEtag: undefined, preferMerged: ['tags'] } }),
    conflict: () => ({ id: ada.id, merge: { mergedId: firm.id, mergedEtag: undefined, preferMerged: [] } }),
    code: 'INVALID_ARGUMENT',
  },
};

test.each(Object.entries(writes))(
  'a validated %s has the response of the real one, and stores nothing',
  async (_, write) => {
    const before = await everything();

    const tried = await call(write.name, { ...write.request(), requestId: 'key', validateOnly: true });
    expect(await everything()).toEqual(before);
    // With the key of the validated call, which was not stored.
    const real = await call(write.name, { ...write.request(), requestId: 'key' });

    expect(plain(tried)).toEqual(plain(real));
    expect(await everything()).not.toEqual(before);
  },
);

test.each(Object.entries(writes))('a validated %s is refused like the real one', async (_, write) => {
  const before = await everything();

  const tried = await call(write.name, { ...write.conflict(), validateOnly: true }).catch((error: unknown) => error);
  const real = await call(write.name, write.conflict()).catch((error: unknown) => error);

  expect(tried).toMatchObject({ code: write.code ?? 'ALREADY_EXISTS' });
  expect(refusal(tried)).toEqual(refusal(real));
  expect(await everything()).toEqual(before);
});

test('validated changes of an association and of a merge leave both unchanged', async () => {
  const { id } = (await call('createAssociation', { association: link(ada.id, firm.id) })) as { id: string };
  const { merge } = (await call('mergeCustomers', writes['merge']?.request() ?? {})) as { merge: { id: string } };
  const calls: [string, object][] = [
    ['updateAssociation', { id, association: { ...link(undefined, undefined), role: 'CFO' }, updateMask: ['role'] }],
    ['deleteAssociation', { id }],
    ['unmergeCustomers', { id: merge.id }],
  ];
  for (const [name, request] of calls) {
    const before = await everything();
    const tried = await call(name, { ...request, requestId: `key ${name}`, validateOnly: true });
    expect(await everything()).toEqual(before);
    expect(plain(tried)).toEqual(plain(await call(name, { ...request, requestId: `key ${name}` })));
  }
});

function call(name: string, request: object): Promise<unknown> {
  return customers.call(name as 'createCustomer', request, caller);
}

function update(id: string, address: string) {
  return { id, customer: customerOf({ emails: [email(address)] }), updateMask: ['emails'], etag: undefined };
}

function upsert(...addresses: string[]) {
  return { customer: customerOf(person({ emails: addresses.map(email) })), match: UpsertMatch.EMAIL };
}

function batch(item: object) {
  return { batch: { items: [item], mode: BatchMode.ATOMIC } };
}

function link(fromCustomerId: string | undefined, toCustomerId: string | undefined) {
  const times = { createTime: undefined, updateTime: undefined };
  return {
    id: '',
    fromCustomerId,
    type: 'works_for',
    toCustomerId,
    role: undefined,
    labels: ['a'],
    etag: '',
    ...times,
  };
}

/** A response without times, and without new ids. */
function plain(answer: unknown): unknown {
  const known = new Set([ada, copy, gone, firm].map(({ id }) => id));
  const text = JSON.stringify(answer, (key, value: unknown) => (key.endsWith('Time') ? typeof value : value));
  return JSON.parse(text.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => (known.has(id) ? id : 'new')));
}

function refusal(error: unknown): unknown {
  const { code, reason, message, violations, metadata } = error as Record<string, unknown>;
  return { code, reason, message, violations, metadata };
}

/** All rows of the tenant. */
async function everything(): Promise<unknown> {
  const em = orm.em.fork({ session: tenantSession(caller.tenantId) });
  const tables = ['customer', 'customer_key', 'customer_association', 'customer_merge', 'idempotency_key'];
  return Promise.all(
    tables.map((table) => em.execute(`select to_jsonb(row)::text as row from ${table} row order by 1`)),
  );
}
