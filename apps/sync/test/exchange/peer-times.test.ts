import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, test } from 'vitest';
import { ExchangeTenant } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

let tenant: ExchangeTenant;
let people: PeopleTable;

beforeEach(async () => {
  tenant = await ExchangeTenant.create(await sharedPlatform(inject('platformUrl')));
  people = await PeopleTable.create(tenant);
  await people.database.run('ALTER TABLE people ADD changed timestamp, ADD changed_day date, ADD changed_text text');
}, 120_000);

test.each(['changed', 'changed_day'])(
  'the policy NEWEST takes no column whose moment nobody knows: %s',
  async (timeField) => {
    const fields = [{ customerField: 'displayName', peerField: 'name' }];
    const mapping = { connectionId: people.connection, recordType: 'people', customerKind: 'PERSON', fields };

    expect(await tenant.api.send('POST', '/v1/mappings', { ...mapping, policy: 'NEWEST', timeField })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/timeField', code: 'TIME_ZONE_MISSING' }] },
    });
  },
);

test.each([
  ['no time without its zone, however late it looks', '2999-01-01T00:00:00', 1, 'Countess'],
  ['a time with its zone', '2999-01-01T00:00:00+02:00', 0, 'Programmer'],
])('the newest edit is found by %s', async (_what, time, conflicts, title) => {
  const mapping = await people.map({ policy: 'NEWEST', timeField: 'changed_text' });
  await people.insert('Ada');
  await tenant.run(mapping);
  const { id } = await people.customerOf('Ada');
  await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'PAUSED' });
  await tenant.api.updateCustomer(id, { jobTitle: 'Countess' });
  await people.update(`name = 'Ada'`, `title = 'Programmer', changed_text = '${time}'`);
  await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'ENABLED' });
  await tenant.run(mapping);

  expect(await tenant.conflicts(mapping)).toHaveLength(conflicts);
  expect(await tenant.api.ok('GET', `/v1/customers/${id}`)).toMatchObject({ jobTitle: title });
});
