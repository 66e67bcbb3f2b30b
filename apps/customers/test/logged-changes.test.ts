import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { ChangeOperation, type Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { CustomField_Type as Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { AppError } from '@rapport/platform';
import pg from 'pg';
import { from } from 'pg-copy-streams';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { changesOf, summaryOf } from './change-feeds.js';
import { defineField } from './custom-field-requests.js';
import { csv, ImportTenant } from './import-tenant.js';
import { MergingTenant } from './merging-tenant.js';
import { OperationTenant } from './operation-tenant.js';
import { company, customerOf, newCaller, person, RunningCustomers } from './running-customers.js';
import { ScopedTenant } from './scoped-tenant.js';

let customers: RunningCustomers;
/** The database of customers. */
let superuser: pg.Client;

// A service of its own: it causes a gap in the log of every tenant.
beforeAll(async () => {
  customers = await RunningCustomers.start();
  superuser = await customers.connectAsSuperuser();
});
afterAll(async () => {
  await superuser.end();
  await customers.stop();
});

const columns =
  'tenant_id, id, kind, display_name, emails, phones, addresses, external_ids, domains, tags, search_text, sort_name, ' +
  'version, create_time, update_time, created_by, updated_by';

test('COPY is logged row by row', async () => {
  const caller = newCaller();
  const ids = Array.from({ length: 300 }, () => v7());
  const lines = ids.map((id) =>
    [
      caller.tenantId,
      id,
      'PERSON',
      'x',
      '[]',
      '[]',
      '[]',
      '[]',
      '{}',
      '{}',
      'x',
      'x',
      '1',
      'now',
      'now',
      'c',
      'c',
    ].join('\t'),
  );
  await pipeline(Readable.from([lines.join('\n')]), superuser.query(from(`copy customer (${columns}) from stdin`)));

  const changes = await changesOf(customers, caller, ids.length);

  expect(changes.map(({ recordId }) => recordId)).toEqual(ids);
  expect(new Set(changes.map(({ actor, origin, operation }) => [actor, origin, operation].join()))).toEqual(
    new Set([`database:postgres,sql,${ChangeOperation.CREATE}`]),
  );
});

test('hand-written SQL is logged with its actor', async () => {
  const caller = newCaller();
  const { id } = await customers.create(caller, person({ givenName: 'Ada' }));
  const app = new pg.Client(customers.urls.appUrl);
  await app.connect();
  await app.query(`select set_config('app.tenant_id', $1, false)`, [caller.tenantId]);
  await app.query(`update customer set given_name = null, family_name = 'X' where id = $1`, [id]);
  await app.query(`update customer set search_text = 'y', terms = '{a}', index_version = 7`);
  await app.query(`begin; update customer set given_name = 'nobody'; rollback`);
  await app.query('delete from customer where id = $1', [id]);
  await app.end();

  const [, update, remove, ...others] = await changesOf(customers, caller, 3);

  expect(others).toEqual([]);
  expect(update).toMatchObject({
    operation: ChangeOperation.UPDATE,
    before: { givenName: 'Ada', familyName: null },
    after: { givenName: null, familyName: 'X' },
    actor: `database:${new URL(customers.urls.appUrl).username}`,
    origin: 'sql',
  });
  expect(remove).toMatchObject({
    operation: ChangeOperation.DELETE,
    version: 2,
    before: { id, kind: 'PERSON', familyName: 'X', tags: [] },
  });
  expect(remove?.after).toBeUndefined();
});

test('changes of an import and its undo have operation and actor', async () => {
  const tenant = await OperationTenant.create(customers);
  const { id } = await tenant.run('display name,email\nAda,ada@example.com\nGrace,grace@example.com\n');
  await tenant.undo(id);
  await tenant.close();

  const changes = await changesOf(customers, tenant.caller, 4);

  expect(changes.map(({ origin, operation }) => [origin, operation])).toEqual([
    ['import', ChangeOperation.CREATE],
    ['import', ChangeOperation.CREATE],
    ['undo', ChangeOperation.DELETE],
    ['undo', ChangeOperation.DELETE],
  ]);
  for (const { causationId, actor } of changes) expect([causationId, actor]).toEqual([id, tenant.caller.principalId]);
});

test('a file imported in one call has the origin import', async () => {
  const tenant = await ImportTenant.create(customers);
  await tenant.importFile(csv('display name\nAda\n'));
  await tenant.close();

  const [change] = await changesOf(customers, tenant.caller, 1);
  expect(change).toMatchObject({
    origin: 'import',
    actor: tenant.caller.principalId,
    operation: ChangeOperation.CREATE,
  });
});

test('a merge and its undo log both customers, the merge and the associations', async () => {
  const tenant = new MergingTenant(customers);
  const [kept, merged, friend] = [
    await tenant.create(person({ displayName: 'Ada' })),
    await tenant.create(person({ displayName: 'Ada L', tags: ['vip'] })),
    await tenant.create(person()),
  ];
  await tenant.associate(merged.id, friend.id);
  const { record } = await tenant.merge(kept.id, merged.id);
  const before = await changesOf(customers, tenant.caller, 8);
  await tenant.unmerge(record.id);
  const all = await changesOf(customers, tenant.caller, 12);

  const ofMerge = before.slice(4);
  expect(find(ofMerge, merged.id)).toMatchObject({
    operation: ChangeOperation.MERGE,
    after: { mergedIntoId: kept.id },
  });
  expect(find(ofMerge, merged.id)?.changedFields).toContain('mergedIntoId');
  expect(find(ofMerge, kept.id)).toMatchObject({ operation: ChangeOperation.UPDATE, after: { tags: ['vip'] } });
  expect(find(ofMerge, record.id)).toMatchObject({
    type: 'merge',
    operation: ChangeOperation.CREATE,
    after: { id: record.id, customerId: kept.id, mergedId: merged.id },
  });
  expect(ofMerge.map(summaryOf).filter((text) => text.startsWith('association'))).not.toEqual([]);
  const ofUndo = all.slice(before.length);
  expect(find(ofUndo, merged.id)).toMatchObject({
    operation: ChangeOperation.UNDELETE,
    after: { id: merged.id, tags: ['vip'] },
  });
  expect(find(ofUndo, merged.id)?.after).not.toHaveProperty('mergedIntoId');
  expect(find(ofUndo, record.id)).toMatchObject({ version: 2, operation: ChangeOperation.UPDATE });
  expect(JSON.stringify(all)).not.toMatch(/search_?text|order_?values|sort_?name|"undo"|index_?version/i);
});

test('custom fields are logged by key, and refused, rolled back or validated writes are not logged', async () => {
  const caller = newCaller();
  await defineField(customers, caller, 'plan', Type.TEXT, { displayName: 'Plan' });
  await customers.create(caller, company({ domains: ['example.com'] }));
  const tried = { customer: customerOf(company({ domains: ['other.com'] })), validateOnly: true };
  await customers.call('createCustomer', tried, caller);
  const taken = await customers.create(caller, company({ domains: ['example.com'] })).catch((error: unknown) => error);
  await customers.create(caller, person());

  const changes = await changesOf(customers, caller, 3);

  expect(taken).toBeInstanceOf(AppError);
  expect(changes).toMatchObject([
    { type: 'custom_field', recordId: 'plan', after: { key: 'plan', type: 'TEXT', displayName: 'Plan' } },
    { type: 'customer', after: { domains: ['example.com'] } },
    { type: 'customer', after: { kind: 'PERSON' } },
  ]);
});

// The last one: from here on, every tenant sees the gaps.
test('truncating a table or changing an id is a gap for every tenant', async () => {
  const scoped = new ScopedTenant(customers).own();
  const callers = [newCaller(), newCaller(), scoped];
  const [first] = callers;
  await customers.create(first!, person());
  await superuser.query(`update customer set id = $1 where tenant_id = $2`, [v7(), first!.tenantId]);
  await superuser.query('truncate custom_field');

  const received = await Promise.all(callers.map((caller) => changesOf(customers, caller, caller === first ? 3 : 2)));

  for (const [index, changes] of received.entries()) {
    expect(changes.slice(-2)).toMatchObject([
      { operation: ChangeOperation.GAP, type: 'customer', recordId: '', tenantId: callers[index]?.tenantId },
      { operation: ChangeOperation.GAP, type: 'custom_field' },
    ]);
  }
});

function find(changes: Change[], recordId: string): Change | undefined {
  return changes.find((change) => change.recordId === recordId);
}
