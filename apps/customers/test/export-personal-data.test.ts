import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { Consent, ConsentState, ContactChannel } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { PrivacyServiceService } from '@rapport/contracts/rapport/customers/v1/privacy_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { AssociatingTenant } from './associating-tenant.js';
import { MergingTenant } from './merging-tenant.js';
import { company, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

/** A record as the API returns it. */
type Shown = Record<string, unknown> & { id: string };
interface PersonalData {
  customer: Shown;
  mergedCustomers: Shown[];
  associations: Shown[];
  merges: Shown[];
  consents: Shown[];
  suppressions: Shown[];
  changes: { type: string; recordId: string; operation: string }[];
}

async function exportOf(id: string, caller: Caller): Promise<PersonalData> {
  const options = { context: customers.outgoing(caller), deadlineMs: 20_000 };
  const pieces = [];
  for await (const piece of customers.streams.stream(PrivacyServiceService.exportPersonalData.path, { id }, options)) {
    pieces.push(Buffer.from((piece as HttpBody).data));
  }
  return JSON.parse(Buffer.concat(pieces).toString()) as PersonalData;
}

test('exports all data of a person and of those merged into them', async () => {
  const tenant = new MergingTenant(customers);
  const { caller } = tenant;
  const ada = await tenant.create(person({ emails: [{ address: 'ada@example.com' }], jobTitle: 'Analyst' }));
  const twin = await tenant.create(person({ displayName: 'Twin' }));
  const firm = await tenant.create(company());
  const link = await tenant.associate(ada.id, firm.id, 'employee_of');
  const consent = {
    ...Consent.decode(new Uint8Array()),
    ...{ purpose: 'news', channel: ContactChannel.EMAIL, state: ConsentState.WITHDRAWN, legalBasis: 1, source: 'x' },
  };
  const said = await customers.call('createConsent', { customerId: ada.id, consent }, caller);
  const { record } = await tenant.merge(ada.id, twin.id);
  const stranger = await tenant.create(person({ displayName: 'Stranger' }));

  const data = await exportOf(ada.id, caller);

  expect(data.customer).toMatchObject({ id: ada.id, kind: 'PERSON', emails: [{ address: 'ada@example.com' }] });
  const ids = (records: Shown[]) => records.map(({ id }) => id);
  expect([ids(data.mergedCustomers), ids(data.associations)]).toEqual([[twin.id], [link]]);
  expect([ids(data.merges), ids(data.consents)]).toEqual([[record.id], [said.id]]);
  expect(data.suppressions).toMatchObject([{ channel: 'EMAIL', reason: 'CONSENT_WITHDRAWN', customerId: ada.id }]);
  expect(data.changes.map(({ type, operation }) => `${type} ${operation}`)).toEqual([
    ...['customer CREATE', 'customer CREATE', 'association CREATE', 'consent CREATE'],
    ...expectedOfMerge(data.changes.slice(4)),
  ]);
  expect(JSON.stringify(data)).not.toContain(stranger.id);
});

/** A merge writes both customers and its own record, in any order. */
function expectedOfMerge(changes: PersonalData['changes']): string[] {
  const summaries = changes.map(({ type, operation }) => `${type} ${operation}`);
  expect(summaries.toSorted()).toEqual(expect.arrayContaining(['customer MERGE', 'merge CREATE']));
  return summaries;
}

test('exports a long history in pieces, each change once', async () => {
  const caller = newCaller();
  const { id } = await customers.create(caller, person());
  await new MergingTenant(customers, caller).execute(
    `do $$ begin
       for n in 1 .. 410 loop update customer set job_title = 'job ' || n, version = version + 1 where id = '${id}'; end loop;
     end $$`,
    [],
  );
  await customers.delete(caller, id);

  const { customer, changes } = await exportOf(id, caller);

  expect(customer['deleteTime']).toBeDefined();
  expect(changes).toHaveLength(412);
});

test('is refused without access to personal data, and for missing, merged or other tenants’ customers', async () => {
  const tenant = new MergingTenant(customers);
  const { caller } = tenant;
  const [ada, twin] = [await tenant.create(person()), await tenant.create(person())];
  await expect(exportOf(ada.id, { ...caller, hidesPii: true })).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    reason: 'PERSONAL_DATA_HIDDEN',
  });
  await expect(exportOf(ada.id, { ...caller, permissions: ['customers.read'] })).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    metadata: { permission: 'privacy.manage' },
  });
  for (const [id, by] of [[v7(), caller] as const, [ada.id, newCaller()] as const]) {
    await expect(exportOf(id, by)).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'CUSTOMER_NOT_FOUND' });
  }
  await tenant.merge(ada.id, twin.id);
  await expect(exportOf(twin.id, caller)).rejects.toMatchObject({ metadata: { mergedInto: ada.id } });
});

test('exports associations with records of other types, deleted ones too', async () => {
  const tenant = new AssociatingTenant(customers);
  const [ada, bob] = [await tenant.person(), await tenant.person()];
  const [deal, gone] = [await tenant.deal(), await tenant.deal()];
  const links = [await tenant.link(ada, deal, { role: 'buyer' }), await tenant.link(ada, gone)];
  await tenant.link(bob, deal);
  await customers.call('deleteDeal', { id: gone }, tenant.caller);

  const { associations, changes } = await exportOf(ada, tenant.caller);

  expect(associations.map(({ id }) => id)).toEqual(links.map(({ id }) => id));
  expect(associations[0]).toMatchObject({ from: `customers/${ada}`, to: `deals/${deal}`, role: 'buyer' });
  expect(changes.filter(({ type }) => type === 'association')).toHaveLength(2);
});
