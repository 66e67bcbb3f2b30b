import { Consent, ConsentState, ContactChannel } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { Association } from '@rapport/contracts/rapport/customers/v1/associations_service';
import {
  CustomersServiceService,
  ExportFormat,
  TotalMode,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { ImportInput } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { PrivacyServiceService } from '@rapport/contracts/rapport/customers/v1/privacy_service';
import { Suppression, SuppressionReason } from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { snapshot } from './change-feeds.js';
import { company, customerOf, person, sharedCustomers } from './running-customers.js';
import { idOf, outcomeOf, ScopedTenant } from './scoped-tenant.js';

const customers = await sharedCustomers();

async function fileOf(path: string, request: object, caller: Caller): Promise<string> {
  const pieces: Buffer[] = [];
  const options = { context: customers.outgoing(caller), deadlineMs: 20_000 };
  for await (const piece of customers.streams.stream(path, request, options)) {
    pieces.push(Buffer.from((piece as HttpBody).data));
  }
  return Buffer.concat(pieces).toString();
}

const consent = {
  ...Consent.decode(new Uint8Array()),
  ...{ purpose: 'news', channel: ContactChannel.EMAIL, state: ConsentState.WITHDRAWN, legalBasis: 1, source: 'form' },
};
const link = (fromCustomerId: string, toCustomerId: string) => ({
  ...Association.decode(new Uint8Array()),
  ...{ fromCustomerId, type: 'knows', toCustomerId },
});
const mergeOf = (mergedId: string) => ({ mergedId, mergedEtag: undefined, preferMerged: [] });
const batchOf = (item: object) => ({ items: [{ etag: undefined, customer: undefined, ...item }], mode: 2 }) as never;

/** Every operation that names a customer, with the id of one and with a customer visible to its caller. */
const operations: Record<string, (id: string, own: string, caller: Caller) => Promise<unknown>> = {
  getCustomer: (id, _, caller) => customers.get(caller, id),
  'getCustomer asOf': (id, _, caller) => customers.call('getCustomer', { id, asOf: new Date().toISOString() }, caller),
  batchGetCustomers: (id, _, caller) => customers.call('batchGetCustomers', { ids: [id] }, caller),
  listCustomerHistory: (id, _, caller) => customers.call('listCustomerHistory', { id }, caller),
  updateCustomer: (id, _, caller) => customers.update(caller, id, { jobTitle: 'x' }),
  'updateCustomer with a company': (id, own, caller) => customers.update(caller, own, { companyId: id }),
  deleteCustomer: (id, _, caller) => customers.delete(caller, id),
  undeleteCustomer: (id, _, caller) => customers.call('undeleteCustomer', { id }, caller),
  batchUpdateCustomers: (id, _, caller) =>
    customers.call(
      'batchUpdateCustomers',
      { batch: batchOf({ id, customer: customerOf({ jobTitle: 'x' }), updateMask: ['jobTitle'] }) },
      caller,
    ),
  batchDeleteCustomers: (id, _, caller) => customers.call('batchDeleteCustomers', { batch: batchOf({ id }) }, caller),
  findDuplicates: (id, _, caller) => customers.call('findDuplicates', { id }, caller),
  mergeCustomers: (id, own, caller) => customers.call('mergeCustomers', { id, merge: mergeOf(own) }, caller),
  'mergeCustomers into a visible one': (id, own, caller) =>
    customers.call('mergeCustomers', { id: own, merge: mergeOf(id) }, caller),
  listMerges: (id, _, caller) => customers.call('listMerges', { customerId: id }, caller),
  createAssociation: (id, own, caller) => customers.call('createAssociation', { association: link(own, id) }, caller),
  listAssociations: (id, _, caller) => customers.call('listAssociations', { customerId: id }, caller),
  createConsent: (id, _, caller) => customers.call('createConsent', { customerId: id, consent }, caller),
  listConsents: (id, _, caller) => customers.call('listConsents', { customerId: id }, caller),
  eraseCustomer: (id, _, caller) => customers.call('eraseCustomer', { id, erasure: { reason: 'asked' } }, caller),
  exportPersonalData: (id, _, caller) => fileOf(PrivacyServiceService.exportPersonalData.path, { id }, caller),
};

test.each(Object.entries(operations))(
  '%s treats a hidden customer like a missing one, and leaves it unchanged',
  async (_, call) => {
    const tenant = new ScopedTenant(customers);
    const caller = tenant.own();
    const own = await tenant.create(caller);
    const hidden = await tenant.create(tenant.admin, { ownerTeamId: tenant.north, displayName: 'Hidden' });
    const missing = v7();

    const answer = await outcomeOf(call(hidden.id, own.id, caller));

    const expected = JSON.stringify(await outcomeOf(call(missing, own.id, caller))).replaceAll(missing, hidden.id);
    expect(JSON.stringify(answer)).toBe(expected);
    expect(await customers.get(tenant.admin, hidden.id)).toEqual(hidden);
  },
);

test('dependents of hidden customers are hidden', async () => {
  const tenant = new ScopedTenant(customers);
  const caller = tenant.own();
  const { admin } = tenant;
  const own = await tenant.create(caller);
  const [ada, bob, twin] = [await tenant.create(admin), await tenant.create(admin), await tenant.create(admin)];
  const ids = {
    getAssociation: (await customers.call('createAssociation', { association: link(ada.id, own.id) }, admin)).id,
    getConsent: (await customers.call('createConsent', { customerId: ada.id, consent }, admin)).id,
    getMerge: (await customers.call('mergeCustomers', { id: ada.id, merge: mergeOf(twin.id) }, admin)).merge?.id ?? '',
    getErasure: (await customers.call('eraseCustomer', { id: bob.id, erasure: { reason: 'asked' } }, admin)).id,
  };
  await customers.update(admin, ada.id, { emails: [{ address: 'ada@example.com', label: undefined }] });
  await customers.call('createConsent', { customerId: ada.id, consent }, admin);
  const { suppressions } = await customers.call('listSuppressions', {}, admin);

  const gets = { ...ids, getSuppression: suppressions[0]?.id ?? '', unmergeCustomers: ids.getMerge };
  for (const [method, id] of Object.entries(gets)) {
    const [hidden, missing] = await Promise.all(
      [id, v7()].map((each) => outcomeOf(customers.call(method as 'getMerge', { id: each }, caller))),
    );
    expect([method, hidden]).toEqual([method, missing]);
  }

  expect((await customers.call('listAssociations', { customerId: own.id }, caller)).associations).toEqual([]);
  expect((await customers.call('listSuppressions', {}, caller)).suppressions).toEqual([]);
  expect((await customers.call('listMerges', {}, caller)).merges).toEqual([]);
  expect((await customers.call('listErasures', {}, caller)).erasures).toEqual([]);
  expect(await outcomeOf(customers.get(caller, bob.id))).toEqual(await outcomeOf(customers.get(caller, v7())));
});

test('lists, searches, counts, sums, files and snapshots contain only customers in the scope', async () => {
  const tenant = new ScopedTenant(customers);
  const [ann, bea, lea] = [tenant.own(), tenant.team(), tenant.team(tenant.south)];
  const owned = (caller: Caller, displayName: string, ownerTeamId: string) =>
    tenant.create(tenant.admin, {
      displayName,
      ownerId: idOf(caller),
      ownerTeamId,
      emails: [{ address: `${displayName.toLowerCase()}@example.com`, label: undefined }],
    });
  await owned(ann, 'Lovelace-A', tenant.north);
  await owned(bea, 'Lovelace-B', tenant.south);
  await owned(lea, 'Lovelace-C', tenant.south);
  await customers.create(
    tenant.admin,
    person({ displayName: 'Lovelace-D', externalIds: [{ system: 'erp', value: '1' }] }),
  );

  const seenBy = async (caller: Caller) => ({
    list: await customers.names(caller, { orderBy: 'display_name' }),
    newest: (await customers.names(caller, { orderBy: 'create_time desc' })).sort(),
    search: (await customers.names(caller, { q: 'lovelace' })).sort(),
    filter: (await customers.names(caller, { filter: 'kind:PERSON' })).sort(),
    key: await customers.names(caller, { filter: 'emails:"lovelace-c@example.com"' }),
    counts: [
      (await customers.call('listCustomers', { total: TotalMode.EXACT }, caller)).totalSize,
      (await customers.call('listCustomers', { total: TotalMode.ESTIMATED }, caller)).totalSize,
      (await customers.call('aggregateCustomers', { groupBy: [], sum: [] }, caller)).total?.count,
    ],
    file: (
      await fileOf(CustomersServiceService.exportCustomers.path, { format: ExportFormat.CSV, columns: [] }, caller)
    ).match(/Lovelace-\w|erp/g),
    snapshot: await namesOfSnapshot(caller),
  });

  const all = (names: string[], key: string[] = []) => ({
    ...{ list: names, newest: names, search: names, filter: names, key, counts: [1, 2, 3].map(() => names.length) },
    ...{ file: names, snapshot: names },
  });
  expect(await seenBy(ann)).toEqual(all(['Lovelace-A']));
  expect(await seenBy(bea)).toEqual(all(['Lovelace-A', 'Lovelace-B']));
  expect(await seenBy(lea)).toEqual(all(['Lovelace-B', 'Lovelace-C'], ['Lovelace-C']));
  expect((await seenBy({ ...lea, principalId: 'client:reports', recordScope: 'OWN' })).list).toEqual([]);
  expect((await seenBy(tenant.admin)).list).toHaveLength(4);
});

async function namesOfSnapshot(caller: Caller): Promise<string[]> {
  const names: string[] = [];
  for await (const { customer } of snapshot(customers, caller)) {
    if (customer) names.push(String(customer['displayName']));
  }
  return names.sort();
}

test.each(['OWN', 'TEAM'] as const)('methods without owner checks refuse the scope %s', async (recordScope) => {
  const tenant = new ScopedTenant(customers);
  const caller = { ...tenant.own(), recordScope };
  const suppression = {
    ...Suppression.decode(new Uint8Array()),
    ...{ channel: ContactChannel.EMAIL, address: 'ada@example.com', reason: SuppressionReason.BOUNCE },
  };
  const file = { ...ImportInput.decode(new Uint8Array()), contentType: 'text/csv' };

  const outcomes = await Promise.all(
    [
      customers.call('createImport', { import: file }, caller),
      customers.call('listOperations', {}, caller),
      customers.call('listImportMappings', {}, caller),
      customers.call('listAuditEntries', {}, caller),
      customers.call('verifyAuditEntries', {}, caller),
      customers.call('createSuppression', { suppression }, caller),
      customers.call('encryptPersonalData', {}, caller),
      customers.call('accountCampaign', { id: v7() }, caller),
    ].map(outcomeOf),
  );

  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ code: 'PERMISSION_DENIED', reason: 'RECORD_SCOPE_UNSUPPORTED' });
  }
});

test('no filter matches a hidden company', async () => {
  const tenant = new ScopedTenant(customers);
  const caller = tenant.own();
  const firm = await customers.create(tenant.admin, company({ displayName: 'Hidden Ltd' }));
  await tenant.create(tenant.admin, { ownerId: idOf(caller), companyId: firm.id, displayName: 'Ada' });

  expect(await customers.names(caller, { filter: 'company.display_name:"hidden ltd"' })).toEqual([]);
  expect(await customers.names(tenant.admin, { filter: 'company.display_name:"hidden ltd"' })).toEqual(['Ada']);
});
