import { randomUUID } from 'node:crypto';
import { ImportIssue_Severity as Severity } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { Association } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { Operation_State as State } from '@rapport/contracts/rapport/customers/v1/operations_service';
import type { AppError } from '@rapport/platform';
import { v7 } from 'uuid';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OperationTenant, people } from './operation-tenant.js';
import { company, newCaller, person, RunningCustomers, sharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';

const customers = await sharedCustomers();

let tenant: OperationTenant;

beforeEach(async () => {
  tenant = await OperationTenant.create(customers);
});
afterEach(() => tenant.close());

const stranger = 'apiKey:undoer';

/** The id of the customer with this e-mail address. */
async function idOf(address: string): Promise<string> {
  const { rows } = await tenant.database.query<{ customer_id: string }>(
    'select customer_id from customer_key where value = $1',
    [address],
  );
  return rows[0]!.customer_id;
}

test('undo of an import of an earlier release leaves fields that it did not know', async () => {
  const { id } = await customers.create(tenant.caller, {
    ...person({ emails: [{ address: 'ada@x.example', label: undefined }] }),
  });
  const operation = await tenant.run('email,job title\nada@x.example,Countess\n');
  expect(operation.counts).toMatchObject({ updated: 1 });
  await tenant.database.query(`update import_change set before = before - 'tags'`);

  expect(await tenant.undo(operation.id)).toMatchObject({ state: State.UNDONE, counts: { undone: 1, issues: 0 } });
  expect(await customers.get(tenant.caller, id)).toMatchObject({ jobTitle: undefined, tags: [] });
});

test('a record that an undo has removed names the import, and one that never was does not', async () => {
  const operation = await tenant.run('email\nada@x.example\n');
  const id = await idOf('ada@x.example');
  await tenant.undo(operation.id);
  const undelete = (removed: string, by = tenant.caller) =>
    customers.call('undeleteCustomer', { id: removed, validateOnly: true }, by).catch((error: AppError) => error);

  const missing = { code: 'NOT_FOUND', reason: 'CUSTOMER_NOT_FOUND', message: 'There is no such customer.' };
  expect(await undelete(id)).toMatchObject({ ...missing, metadata: { undoneImportId: operation.id } });
  for (const other of [v7(), randomUUID()]) expect(await undelete(other)).toMatchObject({ ...missing, metadata: {} });
  expect(await undelete(id, newCaller())).toMatchObject({ ...missing, metadata: {} });
});

test('undo restores the exact former state: content, keys, custom fields, and times of stages', async () => {
  await tenant.database.query(
    `insert into custom_field (tenant_id, key, type, options, searchable, version, create_time, update_time)
     values ($1, 'plan', 'TEXT', '[]', true, 1, now(), now())`,
    [tenant.caller.tenantId],
  );
  await customers.create(tenant.caller, {
    ...person({ emails: [{ address: 'p1@example.com' }], tags: ['old'], birthDate: '1815-12-10' }),
    customFields: { plan: 'gold' },
    lifecycleStage: 4,
  });
  const acme = await customers.create(tenant.caller, company({ domains: ['acme.example'] }));
  await customers.create(tenant.caller, person({ emails: [{ address: 'p2@example.com' }], companyId: acme.id }));
  const deleted = await customers.create(tenant.caller, person({ emails: [{ address: 'p4@example.com' }] }));
  await customers.delete(tenant.caller, deleted.id);
  await tenant.run(people(300, 100).replaceAll(/,t\d,/g, ',old,'));
  const before = await tenant.dump();
  const etags = await versions();

  const operation = await tenant.run(people(1_100));
  expect(operation.counts?.updated).toBeGreaterThan(250);
  expect(await tenant.dump()).not.toEqual(before);
  const undone = await tenant.undo(operation.id);

  expect(undone).toMatchObject({ state: State.UNDONE, counts: { created: operation.counts!.created } });
  expect(undone.counts?.undone).toBe(operation.counts!.created + operation.counts!.updated);
  expect(await tenant.dump()).toEqual(before);
  // An ETag never returns with different content.
  for (const [id, version] of await versions()) expect([0, 2]).toContain(version - etags.get(id)!);
  await tenant.untilCleared();
});

async function versions(): Promise<Map<string, number>> {
  const { rows } = await tenant.database.query<{ id: string; version: number }>('select id, version from customer');
  return new Map(rows.map(({ id, version }) => [id, version]));
}

test('undo skips customers that were changed since, and reports them', async () => {
  const { id } = await tenant.run('email,name\na@x.example,A\nb@x.example,B\nc@x.example,C\nd@x.example,D\n');
  const changed = await idOf('a@x.example');
  await customers.update(tenant.caller, changed, { displayName: 'Ada' });
  const deleted = await idOf('b@x.example');
  await customers.delete(tenant.caller, deleted);
  await tenant.run('email,city\nc@x.example,Berlin\n');
  const importedSince = await idOf('c@x.example');

  const undone = await tenant.undo(id);

  expect(undone.counts).toMatchObject({ created: 4, undone: 1, issues: 3 });
  const { issues } = await customers.call('listOperationIssues', { id }, tenant.caller);
  expect(issues.map(({ reason, severity }) => [reason, severity])).toEqual(
    Array(3).fill(['CHANGED_SINCE', Severity.WARNING]),
  );
  expect(issues.map(({ customerId }) => customerId).sort()).toEqual([changed, deleted, importedSince].sort());
  const { rows } = await tenant.database.query<{ id: string }>('select id from customer');
  expect(rows.map((row) => row.id).sort()).toEqual([changed, deleted, importedSince].sort());
});

test('undo retains a created customer that others refer to', async () => {
  const { id } = await tenant.run('kind,name,domain\ncompany,Acme,acme.example\ncompany,Beta,beta.example\n');
  const acme = await idOf('acme.example');
  await customers.create(tenant.caller, person({ companyId: acme }));

  const undone = await tenant.undo(id);

  expect(undone.counts).toMatchObject({ undone: 1, issues: 1 });
  expect(await customers.get(tenant.caller, acme)).toMatchObject({ displayName: 'Acme' });
});

test('undo retains a created customer that is associated with a deal', async () => {
  const { id } = await tenant.run('kind,name,domain\ncompany,Acme,acme.example\ncompany,Beta,beta.example\n');
  const customerId = await idOf('acme.example');
  const sales = new SalesTenant(customers, tenant.caller);
  const deal = await sales.createDeal(await sales.createPipeline());
  const association = {
    ...Association.decode(new Uint8Array()),
    ...{ from: `deals/${deal.id}`, type: 'came_from', to: `customers/${customerId}` },
  };
  await customers.call('createAssociation', { association }, tenant.caller);

  const undone = await tenant.undo(id);

  expect(undone.counts).toMatchObject({ undone: 1, issues: 1 });
  expect(await customers.call('getCustomer', { id: customerId }, tenant.caller)).toMatchObject({ id: customerId });
});

test('undo retains a created customer that a custom field of another refers to, deleted or not', async () => {
  await tenant.database.query(
    `insert into custom_field (tenant_id, key, type, options, searchable, version, create_time, update_time)
     values ($1, 'friend', 'REFERENCE', '[]', false, 1, now(), now()),
       ($1, 'rival', 'REFERENCE', '[]', false, 1, now(), now())`,
    [tenant.caller.tenantId],
  );
  const { id } = await tenant.run('email,name\na@x.example,A\nb@x.example,B\nc@x.example,C\n');
  const [friend, rival] = [await idOf('a@x.example'), await idOf('b@x.example')];
  await customers.create(tenant.caller, { ...person(), customFields: { friend } });
  const deleted = await customers.create(tenant.caller, { ...person(), customFields: { rival } });
  await customers.delete(tenant.caller, deleted.id);
  await tenant.database.query(`update custom_field set delete_time = now() where key = 'friend'`);

  const undone = await tenant.undo(id);

  expect(undone.counts).toMatchObject({ undone: 1, issues: 2 });
  expect(await tenant.reasons(id)).toEqual(['CHANGED_SINCE', 'CHANGED_SINCE']);
  expect(await customers.get(tenant.caller, friend)).toMatchObject({ displayName: 'A' });
  expect(await customers.get(tenant.caller, rival)).toMatchObject({ displayName: 'B' });
});

test('undo retains the result of another write between two rows of the import', async () => {
  const own = await RunningCustomers.start({ bulkLimits: { importChunkRows: 20 } });
  const writer = await OperationTenant.create(own);
  const { id } = await own.create(writer.caller, person({ emails: [{ address: 'p1@example.com' }] }));
  const filler = Array.from({ length: 100 }, (_, index) => `f${index}@x.example,,Filler`).join('\n');
  const file = `email,city,name\np1@example.com,Berlin,\n${filler}\np1@example.com,,Paris\n`;
  const operation = await writer.steerAt('f5@x.example', 'pauseOperation', file);
  await own.update(writer.caller, id, { tags: ['mine'] });
  await own.call('resumeOperation', { id: operation.id }, writer.caller);
  await writer.untilEnded(operation.id);

  const undone = await writer.undo(operation.id);

  expect(undone.counts).toMatchObject({ undone: 100, issues: 2 });
  expect(await writer.reasons(operation.id)).toEqual(['JOINED_EARLIER_ROW', 'CHANGED_SINCE']);
  expect(await own.get(writer.caller, id)).toMatchObject({ tags: ['mine'], addresses: [{ city: 'Berlin' }] });
  await writer.close();
  await own.stop();
});

test('undo is attributed to its caller', async () => {
  await customers.create(tenant.caller, person({ emails: [{ address: 'p1@example.com' }] }));
  const { id } = await tenant.run('email,city\np1@example.com,Berlin\n');

  await customers.call('undoOperation', { id }, { ...tenant.caller, principalId: stranger });
  await tenant.untilEnded(id);

  expect(await customers.get(tenant.caller, await idOf('p1@example.com'))).toMatchObject({
    updatedBy: stranger,
    createdBy: tenant.caller.principalId,
  });
});
