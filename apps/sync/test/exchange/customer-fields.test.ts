import { randomUUID } from 'node:crypto';
import { sharedPlatform } from '@rapport/testing';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { ExchangeTenant } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

let tenant: ExchangeTenant;
let people: PeopleTable;

beforeEach(async () => {
  tenant = await ExchangeTenant.create(await sharedPlatform(inject('platformUrl')));
  people = await PeopleTable.create(tenant);
  const columns = ['street', 'city', 'country', 'owner', 'stage', 'labels'];
  await people.database.run(`ALTER TABLE people ${columns.map((column) => `ADD ${column} text`).join(', ')}`);
}, 120_000);

const name = { customerField: 'displayName', peerField: 'name' };
const fields = [
  name,
  { customerField: 'addresses[work].street', peerField: 'street' },
  { customerField: 'addresses[work].city', peerField: 'city' },
  { customerField: 'addresses[work].countryCode', peerField: 'country' },
  { customerField: 'ownerId', peerField: 'owner' },
  { customerField: 'lifecycleStage', peerField: 'stage' },
  { customerField: 'tags', peerField: 'labels', transform: 'COMMA_LIST' },
];
const row = async () => {
  const [columns] = await people.database.run('SELECT street, city, country, owner, stage, labels FROM people');
  return columns;
};

async function createUser(): Promise<{ id: string; email: string }> {
  const email = `${randomUUID()}@example.com`;
  return tenant.api.ok('POST', '/v1/users', { email, displayName: 'Owner', roleIds: ['member'] });
}

/** Of all runs: an automatic one may be earlier. */
async function issuesOf(mappingId: string): Promise<{ reason: string; field: string; message: string }[]> {
  const runs = await Promise.all((await tenant.runs(mappingId)).map(({ id }) => tenant.ended(id)));
  return runs.flatMap(({ issues }) => issues as never[]);
}

test('parts of an address, the owner, the stage and tags are exchanged with columns, both ways', async () => {
  const [owner, other] = [await createUser(), await createUser()];
  await people.insert('Ada');
  const columns = `street = 'Hauptplatz 1', city = 'Graz', country = 'Österreich', stage = 'Lead', labels = 'vip, a\\, b'`;
  await people.update('TRUE', `${columns}, owner = '${owner.email.toUpperCase()}'`);
  const mapping = await people.map({ fields });

  expect(await tenant.run(mapping)).toMatchObject({ state: 'SUCCEEDED', counts: { conflicts: 0, issues: 0 } });
  const { id } = await people.customerOf('Ada');
  const work = { street: 'Hauptplatz 1', city: 'Graz', countryCode: 'AT', label: 'work' };
  expect(await tenant.api.ok('GET', `/v1/customers/${id}`)).toMatchObject({
    ...{ ownerId: owner.id, lifecycleStage: 'LEAD', tags: ['vip', 'a, b'], addresses: [work] },
  });

  const home = { city: 'Wien', label: 'home' };
  const changes = { lifecycleStage: 'CUSTOMER', ownerId: other.id, tags: ['a, b', String.raw`x\y`] };
  await tenant.api.updateCustomer(id, { ...changes, addresses: [home, { ...work, city: 'Leoben' }] });
  await tenant.run(mapping);
  const labels = String.raw`a\, b, x\\y`;
  expect(await row()).toEqual(['Hauptplatz 1', 'Leoben', 'Österreich', other.email, 'CUSTOMER', labels]);

  await people.update('TRUE', `street = NULL, city = 'Linz', labels = 'new', stage = 'former customer'`);
  await tenant.run(mapping);
  expect(await tenant.api.ok('GET', `/v1/customers/${id}`)).toMatchObject({
    ...{ lifecycleStage: 'FORMER_CUSTOMER', tags: ['new'] },
    addresses: [home, { city: 'Linz', countryCode: 'AT', label: 'work' }],
  });
  expect(await tenant.run(mapping, { kind: 'RECONCILE' })).toMatchObject({
    comparison: { equal: 1, differing: 0 },
    counts: { customersUpdated: 0, recordsUpdated: 0, issues: 0 },
  });
});

test('an owner, a country and a stage that are not known cost their field only, and the issue says why', async () => {
  await people.insert('Ada');
  await people.update(
    'TRUE',
    `city = 'Minas Tirith', country = 'Gondor', owner = 'none@example.com', stage = 'prospect'`,
  );
  const mapping = await people.map({ fields });

  expect(await tenant.run(mapping)).toMatchObject({ state: 'SUCCEEDED', counts: { conflicts: 0 } });
  const { id } = await people.customerOf('Ada');
  const customer = await tenant.api.ok('GET', `/v1/customers/${id}`);
  expect(customer).toMatchObject({ addresses: [{ city: 'Minas Tirith', label: 'work' }] });
  expect(customer).not.toHaveProperty('ownerId');
  expect(customer).not.toHaveProperty('lifecycleStage');
  const found = await issuesOf(mapping);
  for (const [field, message] of [
    ['owner', /neither the e-mail address nor the id of a user/],
    ['country', /country that is not known/],
    ['stage', /must be one of SUBSCRIBER, LEAD/],
  ] as const) {
    expect(found).toContainEqual(
      expect.objectContaining({ reason: 'VALUE_UNFIT', field, message: expect.stringMatching(message) as string }),
    );
  }
  expect((await row())?.slice(2, 5)).toEqual(['Gondor', 'none@example.com', 'prospect']);
});

test('a stage that cannot follow fails for its field only', async () => {
  const mapping = await people.map({ fields });
  await people.insert('Ada');
  await people.update('TRUE', `stage = 'CUSTOMER'`);
  await tenant.run(mapping);
  await people.update('TRUE', `stage = 'LEAD', city = 'Graz'`);

  expect(await tenant.run(mapping)).toMatchObject({ state: 'SUCCEEDED', counts: { conflicts: 0 } });
  const { id } = await people.customerOf('Ada');
  expect(await tenant.api.ok('GET', `/v1/customers/${id}`)).toMatchObject({
    ...{ lifecycleStage: 'CUSTOMER', addresses: [{ city: 'Graz' }] },
  });
  expect(await issuesOf(mapping)).toContainEqual(expect.objectContaining({ reason: 'VALUE_UNFIT', field: 'stage' }));
});

describe('a mapping is refused', () => {
  test.each<[string, { customerField: string; peerField: string; transform?: string }[], string, string]>([
    [
      'of a list to a column of texts',
      [{ customerField: 'addresses', peerField: 'city' }],
      '/fields/1/peerField',
      'TYPE_UNFIT',
    ],
    [
      'of a part that addresses do not have',
      [{ customerField: 'addresses.planet', peerField: 'city' }],
      '/fields/1/customerField',
      'UNKNOWN_FIELD',
    ],
    [
      'of parts of the main address beside those of a labelled one',
      [
        { customerField: 'addresses.city', peerField: 'city' },
        { customerField: 'addresses[work].street', peerField: 'street' },
      ],
      '/fields/1/customerField',
      'DUPLICATE',
    ],
    [
      'of an owner by a transform',
      [{ customerField: 'ownerId', peerField: 'owner', transform: 'TRIM' }],
      '/fields/1/transform',
      'TRANSFORM_UNFIT',
    ],
  ])('%s', async (_what, more, pointer, code) => {
    const mapping = { connectionId: people.connection, recordType: 'people', customerKind: 'PERSON' };
    const answer = await tenant.api.send('POST', '/v1/mappings', { ...mapping, fields: [name, ...more] });
    expect(answer).toMatchObject({ status: 400 });
    expect(answer.body['errors']).toContainEqual(expect.objectContaining({ pointer, code }));
  });

  test('of owners, by a caller that may not read users', async () => {
    const permissions = ['connections.read', 'connections.write', 'customers.read', 'customers.write'];
    const limited = await tenant.api.withKey({ permissions });
    const { settings } = await tenant.api.ok<{ settings: object }>('GET', `/v1/connections/${people.connection}`);
    const { password } = people.database;
    const connection = await limited.ok<{ id: string }>('POST', '/v1/connections', {
      ...{ connector: 'sql', displayName: 'People', settings, secrets: { password } },
    });
    const mapping = { connectionId: connection.id, recordType: 'people', customerKind: 'PERSON', fields };
    expect(await limited.send('POST', '/v1/mappings', mapping)).toMatchObject({ status: 403 });
  });
});
