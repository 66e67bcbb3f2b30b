import { UpsertMatch } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { expect, test } from 'vitest';
import { counts, ImportTenant, issues, none, rowsOf } from './import-tenant.js';
import { company, customerOf, person, sharedCustomers } from './running-customers.js';
import { idOf, outcomeOf, ScopedTenant } from './scoped-tenant.js';

const customers = await sharedCustomers();

const outOfScope = (field: string) => ({
  code: 'PERMISSION_DENIED',
  reason: 'OWNER_OUT_OF_SCOPE',
  violations: [{ field, reason: 'OWNER_OUT_OF_SCOPE' }],
});
const email = (address: string) => ({ address, label: undefined });

test('with a narrow scope, a new customer without an owner belongs to its creator and the creator’s team', async () => {
  const tenant = new ScopedTenant(customers);
  const [ann, bea] = [tenant.own(), tenant.team()];

  const [byAnn, byBea, byAdmin] = [
    await customers.create(ann, person()),
    await customers.create(bea, person()),
    await customers.create(tenant.admin, person()),
  ];

  expect(byAnn).toMatchObject({ ownerId: idOf(ann), ownerTeamId: tenant.north });
  expect(byBea).toMatchObject({ ownerId: idOf(bea), ownerTeamId: tenant.north });
  expect([byAdmin.ownerId, byAdmin.ownerTeamId]).toEqual([undefined, undefined]);
  expect(await customers.get(bea, byAnn.id)).toEqual(byAnn);
  expect(await outcomeOf(customers.get(ann, byBea.id))).toMatchObject({ code: 'NOT_FOUND' });
});

test('a caller with the scope OWN can not transfer a customer, and shares it only with own teams', async () => {
  const tenant = new ScopedTenant(customers);
  const [ann, bea] = [tenant.own(), tenant.team()];
  const mine = await tenant.create(ann, { ownerTeamId: tenant.north });

  const handed = customers.update(ann, mine.id, { ownerId: idOf(bea) });
  await expect(handed).rejects.toMatchObject(outOfScope('customer.ownerId'));
  await expect(customers.update(ann, mine.id, { ownerId: undefined })).rejects.toMatchObject(
    outOfScope('customer.ownerId'),
  );
  const shared = customers.update(ann, mine.id, { ownerTeamId: tenant.south });
  await expect(shared).rejects.toMatchObject(outOfScope('customer.ownerTeamId'));
  await expect(tenant.create(ann, { ownerId: idOf(bea) })).rejects.toMatchObject(outOfScope('customer.ownerId'));
  const items = [person(), person({ ownerId: idOf(bea) })].map((each) => ({ customer: customerOf(each) }));
  const { results } = await customers.call('batchCreateCustomers', { batch: { items, mode: 2 } }, ann);

  expect(results[0]?.customer).toMatchObject({ ownerId: idOf(ann) });
  expect(results[1]?.problem).toMatchObject(outOfScope('customer.ownerId'));
  expect(await customers.get(ann, mine.id)).toEqual(mine);
  expect(await customers.update(ann, mine.id, { ownerTeamId: undefined })).toMatchObject({ ownerId: idOf(ann) });
});

test('a caller with the scope TEAM can transfer customers within the team only', async () => {
  const tenant = new ScopedTenant(customers);
  const [bea, bob, lea] = [tenant.team(), tenant.team(), tenant.team(tenant.south)];
  const ours = await customers.create(bea, person());

  const handed = await customers.update(bea, ours.id, { ownerId: idOf(bob) });
  const away = customers.update(bea, ours.id, { ownerId: idOf(lea), ownerTeamId: tenant.south });

  await expect(away).rejects.toMatchObject(outOfScope('customer.ownerTeamId'));
  expect(await customers.get(bob, ours.id)).toEqual(handed);
  await expect(customers.update(bob, ours.id, { ownerId: idOf(lea), ownerTeamId: undefined })).rejects.toMatchObject(
    outOfScope('customer.ownerId'),
  );
});

test('a unique value of a hidden customer is taken, and its owner is not revealed', async () => {
  const tenant = new ScopedTenant(customers);
  const ann = tenant.own();
  const hidden = await tenant.create(tenant.admin, { emails: [email('ada@example.com')] });
  const mine = await tenant.create(ann, { emails: [email('ann@example.com')] });
  const wanted = person({ emails: [email('ada@example.com')] });
  const item = { customer: customerOf(wanted) };

  const outcomes = await Promise.all(
    [
      customers.create(ann, wanted),
      customers.update(ann, mine.id, { emails: [email('ann@example.com'), email('ada@example.com')] }),
      customers.call('upsertCustomer', { customer: customerOf(wanted), match: UpsertMatch.EMAIL }, ann),
      customers.call('batchCreateCustomers', { batch: { items: [item], mode: 1 } }, ann),
    ].map(outcomeOf),
  );
  const { results } = await customers.call('batchCreateCustomers', { batch: { items: [item], mode: 2 } }, ann);

  for (const outcome of outcomes) expect(outcome).toMatchObject({ code: 'ALREADY_EXISTS', reason: 'EMAIL_TAKEN' });
  expect(results[0]?.problem).toMatchObject({ reason: 'EMAIL_TAKEN' });
  expect(JSON.stringify([outcomes, results])).not.toContain(hidden.id);
  expect(await outcomeOf(customers.create(tenant.admin, wanted))).toMatchObject({
    metadata: { customerId: hidden.id },
  });
});

test('a deleted customer whose value a hidden one has taken can not be restored, and the owner is not revealed', async () => {
  const tenant = new ScopedTenant(customers);
  const ann = tenant.own();
  const mine = await tenant.create(ann, { emails: [email('ada@example.com')] });
  await customers.delete(ann, mine.id);
  const hidden = await tenant.create(tenant.admin, { emails: [email('ada@example.com')] });

  const outcome = await outcomeOf(customers.call('undeleteCustomer', { id: mine.id }, ann));

  expect(outcome).toMatchObject({ code: 'ALREADY_EXISTS', reason: 'EMAIL_TAKEN' });
  expect(JSON.stringify(outcome)).not.toContain(hidden.id);
});

test('an import updates customers in the scope, assigns new ones to its creator, and fails rows of others', async () => {
  const tenant = new ScopedTenant(customers);
  const ann = tenant.own();
  const hidden = await tenant.create(tenant.admin, { displayName: 'Hidden', emails: [email('ada@example.com')] });
  const namesake = await customers.create(tenant.admin, person({ displayName: 'Eve' }));
  const mine = await tenant.create(ann, { emails: [email('ann@example.com')] });
  const imports = await ImportTenant.create(customers, ann);

  const answer = await imports.importFile(
    rowsOf([
      { email: 'ann@example.com', job_title: 'Analyst' },
      { email: 'ada@example.com', job_title: 'Analyst' },
      { display_name: 'Eve' },
    ]),
  );
  const named = await outcomeOf(imports.importFile(rowsOf([{ display_name: 'Max', owner_id: namesake.id }])));
  await imports.close();

  expect(counts(answer)).toEqual({ ...none, created: 1, updated: 1, failed: 1 });
  expect(issues(answer)).toEqual([[2, 'KEY_CONFLICT', 'emails[0].address']]);
  expect(JSON.stringify(answer)).not.toContain(hidden.id);
  expect(await customers.get(ann, mine.id)).toMatchObject({ jobTitle: 'Analyst' });
  expect(await customers.get(tenant.admin, hidden.id)).toEqual(hidden);
  const { customers: eves } = await customers.call('listCustomers', { filter: 'display_name:Eve' }, ann);
  expect(eves).toMatchObject([{ ownerId: idOf(ann), ownerTeamId: tenant.north }]);
  expect(named).toMatchObject(outOfScope('customer.ownerId'));
});

test('a merge moves all dependents of the merged customer, hidden ones included, and back', async () => {
  const tenant = new ScopedTenant(customers);
  const ann = tenant.own();
  const firm = (displayName: string) => customers.create(ann, company({ displayName }));
  const [stays, goes] = [await firm('Acme'), await firm('Acme Ltd')];
  const hidden = await tenant.create(tenant.admin, { companyId: goes.id });
  const merge = { mergedId: goes.id, mergedEtag: undefined, preferMerged: [] };

  const { merge: record } = await customers.call('mergeCustomers', { id: stays.id, merge }, ann);
  const moved = await customers.get(tenant.admin, hidden.id);
  expect(await outcomeOf(customers.get(ann, hidden.id))).toMatchObject({ code: 'NOT_FOUND' });
  await customers.call('unmergeCustomers', { id: record?.id ?? '' }, ann);

  expect(moved).toMatchObject({ companyId: stays.id });
  expect(await customers.get(tenant.admin, hidden.id)).toMatchObject({ companyId: goes.id });
});

test('a merged customer does not reveal a hidden surviving customer', async () => {
  const tenant = new ScopedTenant(customers);
  const ann = tenant.own();
  const mine = await tenant.create(ann);
  const stays = await tenant.create(tenant.admin);
  const merge = { mergedId: mine.id, mergedEtag: undefined, preferMerged: [] };
  const { merge: record } = await customers.call('mergeCustomers', { id: stays.id, merge }, tenant.admin);

  const got = await outcomeOf(customers.get(ann, mine.id));
  const undeleted = await outcomeOf(customers.call('undeleteCustomer', { id: mine.id }, ann));

  expect(got).toMatchObject({ code: 'NOT_FOUND', reason: 'CUSTOMER_NOT_FOUND', metadata: {} });
  expect(undeleted).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'CUSTOMER_MERGED' });
  expect(JSON.stringify([got, undeleted])).not.toMatch(new RegExp(`${stays.id}|${record?.id}`));
});
