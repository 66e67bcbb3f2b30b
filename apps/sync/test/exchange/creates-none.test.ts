import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, test } from 'vitest';
import { ExchangeTenant } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

let tenant: ExchangeTenant;
let people: PeopleTable;

beforeEach(async () => {
  tenant = await ExchangeTenant.create(await sharedPlatform(inject('platformUrl')));
  people = await PeopleTable.create(tenant);
  await people.insert('Ada');
  await people.database.run('REVOKE INSERT ON people FROM CURRENT_USER');
  for (const displayName of ['Grace', 'Joan'])
    await tenant.api.ok('POST', '/v1/customers', { kind: 'PERSON', displayName });
}, 120_000);

interface Saved {
  id: string;
  notes: { reason: string; message: string }[];
}

const fields = [
  { customerField: 'displayName', peerField: 'name' },
  { customerField: 'jobTitle', peerField: 'title' },
];

test('a mapping whose connection creates no rows says so with the cause when it is saved, and the check does', async () => {
  const { connection: connectionId } = people;
  const cause = 'The user may not insert rows with the column rapport_key.';
  const note = { reason: 'RECORDS_NOT_CREATED', message: expect.stringContaining(cause) as string };
  const body = { connectionId, recordType: 'people', customerKind: 'PERSON', fields };

  const { id, notes } = await tenant.api.ok<Saved>('POST', '/v1/mappings', body);
  const save = (changes: Record<string, unknown>) => tenant.api.ok<Saved>('PATCH', `/v1/mappings/${id}`, changes);

  expect(notes).toEqual([note]);
  expect(await tenant.api.ok('POST', `/v1/connections/${connectionId}:check`, {})).toMatchObject({
    recordTypes: [{ creates: false, updates: true, createDescription: cause }],
  });
  expect((await save({ direction: 'TO_CUSTOMERS' })).notes).toEqual([]);
  expect((await save({ direction: 'BOTH' })).notes).toEqual([note]);
  expect((await save({ maxDeletes: 30 })).notes).toEqual([]);
  await people.database.run('GRANT INSERT ON people TO CURRENT_USER');
  expect((await save({ policy: 'PEER' })).notes).toEqual([]);
});

test('its runs count the customers that they leave without a record, and make no conflicts of them', async () => {
  const mapping = await people.map({ fields });
  await tenant.run(mapping);

  expect(await tenant.compare(mapping)).toMatchObject({
    comparison: { equal: 1, onlyCustomers: 2, conflicting: 0 },
    planned: { recordsCreated: 0, skipped: 2 },
    plannedChanges: [],
  });
  expect(await tenant.run(mapping, { kind: 'RECONCILE' })).toMatchObject({
    counts: { recordsCreated: 0, skipped: 2, conflicts: 0 },
  });
  expect(await tenant.conflicts(mapping)).toEqual([]);

  const { id } = await people.customerOf('Ada');
  await tenant.api.updateCustomer(id, { jobTitle: 'Countess' });
  await tenant.run(mapping);
  expect(await people.titles()).toEqual([['Ada', 'Countess']]);

  await people.database.run('GRANT INSERT ON people TO CURRENT_USER');
  expect(await tenant.run(mapping, { kind: 'RECONCILE' })).toMatchObject({
    counts: { recordsCreated: 2, skipped: 0 },
  });
  expect((await people.titles()).map(([name]) => name)).toEqual(['Ada', 'Grace', 'Joan']);
});

test('a customer that may match a row still gets a conflict', async () => {
  await tenant.api.ok('POST', '/v1/customers', { kind: 'PERSON', displayName: 'Ada' });
  const mapping = await people.map({ fields });

  await tenant.run(mapping);

  expect(await tenant.conflicts(mapping)).toMatchObject([{ kind: 'PAIRING' }]);
});
