import { sharedPlatform } from '@rapport/testing';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { ExchangeTenant } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

let tenant: ExchangeTenant;
let people: PeopleTable;

beforeEach(async () => {
  tenant = await ExchangeTenant.create(await sharedPlatform(inject('platformUrl')));
  people = await PeopleTable.create(tenant);
}, 120_000);

const name = { customerField: 'displayName', peerField: 'name' };
const define = (key: string, type: string) => tenant.api.ok('POST', '/v1/customFields', { key, type });
const field = (key: string, peerField = key) => ({ customerField: `customFields.${key}`, peerField });
/** Of all runs: an automatic one may be earlier. */
async function issuesOf(mappingId: string): Promise<{ reason: string; field: string; recordId?: string }[]> {
  const path = `/v1/syncRuns?mappingId=${mappingId}`;
  const { syncRuns } = await tenant.api.ok<{ syncRuns: { id: string }[] }>('GET', path);
  const runs = await Promise.all(syncRuns.map(({ id }) => tenant.api.ok<{ issues: [] }>('GET', `/v1/syncRuns/${id}`)));
  return runs.flatMap(({ issues }) => issues);
}
const fieldsOf = async (who: string) => (await people.customerOf(who))['customFields'];

describe('a column of decimal numbers', () => {
  beforeEach(async () => {
    await people.database.run('ALTER TABLE people ADD price numeric(10,2), ADD weight numeric(10,2), ADD big numeric');
    await define('price', 'DECIMAL');
    await define('weight', 'NUMBER');
  });

  test('arrives in fields for decimals and for numbers, and is written back exactly', async () => {
    const mapping = await people.map({ fields: [name, field('price'), field('weight')] });
    await people.insert('Ada');
    await people.insert('Grace');
    await people.update(`name = 'Ada'`, 'price = 2.50, weight = 2.50');
    await people.update(`name = 'Grace'`, 'price = -99999999.99, weight = 1.25');

    expect(await tenant.run(mapping)).toMatchObject({ state: 'SUCCEEDED', counts: { conflicts: 0 } });
    expect(await fieldsOf('Ada')).toEqual({ price: '2.50', weight: 2.5 });
    expect(await fieldsOf('Grace')).toEqual({ price: '-99999999.99', weight: 1.25 });

    const { id } = await people.customerOf('Ada');
    await tenant.api.updateCustomer(id, { customFields: { price: '3.7', weight: 0.1 } });
    await tenant.run(mapping);
    expect(await people.database.run(`SELECT price, weight FROM people WHERE name = 'Ada'`)).toEqual([
      ['3.70', '0.10'],
    ]);
    expect(await tenant.run(mapping, { kind: 'RECONCILE' })).toMatchObject({
      comparison: { equal: 2, differing: 0 },
      counts: { customersUpdated: 0, recordsUpdated: 0 },
    });
  });

  test('and a value that does not fit cost that field only, with an issue, on either side', async () => {
    await define('extra', 'DECIMAL');
    await people.insert('Ada');
    await people.update(`name = 'Ada'`, 'price = 2.50, big = 12345678901234567890123');
    const mapping = await people.map({ fields: [name, field('price'), field('weight'), field('extra', 'big')] });

    expect(await tenant.run(mapping)).toMatchObject({ state: 'SUCCEEDED', counts: { conflicts: 0 } });
    expect(await issuesOf(mapping)).toContainEqual(expect.objectContaining({ reason: 'VALUE_UNFIT', field: 'big' }));
    expect(await fieldsOf('Ada')).toEqual({ price: '2.50' });

    const { id } = await people.customerOf('Ada');
    await tenant.api.updateCustomer(id, { displayName: 'Ada L.', customFields: { price: '2.555', weight: 5 } });

    expect(await tenant.run(mapping)).toMatchObject({ state: 'SUCCEEDED', counts: { conflicts: 0 } });
    expect(await issuesOf(mapping)).toContainEqual(expect.objectContaining({ reason: 'VALUE_UNFIT', field: 'price' }));
    const row = 'SELECT name, price, weight, big FROM people';
    expect(await people.database.run(row)).toEqual([['Ada L.', '2.50', '5.00', '12345678901234567890123']]);

    await people.update('TRUE', 'big = 1.5');
    await tenant.api.updateCustomer(id, { customFields: { price: '2.55' } });
    await tenant.run(mapping);
    expect(await people.database.run(row)).toEqual([['Ada L.', '2.55', '5.00', '1.5']]);
    expect(await fieldsOf('Ada L.')).toEqual({ price: '2.55', weight: 5, extra: '1.5' });
  });

  test('is refused for a field that cannot have its values', async () => {
    await define('agreed', 'BOOLEAN');
    const mapping = { connectionId: people.connection, recordType: 'people', customerKind: 'PERSON' };

    expect(
      await tenant.api.send('POST', '/v1/mappings', { ...mapping, fields: [name, field('agreed', 'price')] }),
    ).toMatchObject({ status: 400, body: { errors: [{ pointer: '/fields/1/peerField', code: 'TYPE_UNFIT' }] } });
  });
});

describe.each([
  [
    'Europe/Berlin',
    '2026-07-01 12:00:00',
    '2026-07-01T10:00:00.000Z',
    '2026-12-24 18:00:00',
    '2026-12-24T17:00:00.000Z',
  ],
  [
    'Asia/Kolkata',
    '2026-10-25 02:30:00',
    '2026-10-24T21:00:00.000Z',
    '2026-03-29 02:30:00',
    '2026-03-28T21:00:00.000Z',
  ],
])('a column of times without a zone, in %s,', (timeZone, local, moment, otherLocal, otherMoment) => {
  beforeEach(async () => {
    await people.database.run('ALTER TABLE people ADD seen timestamp, ADD changed timestamp');
    const { settings } = await tenant.api.ok<{ settings: object }>('GET', `/v1/connections/${people.connection}`);
    await tenant.api.ok('PATCH', `/v1/connections/${people.connection}`, { settings: { ...settings, timeZone } });
    await define('seen', 'TIME');
  });

  test('has the moments of that zone on both sides', async () => {
    const mapping = await people.map({ fields: [name, field('seen')] });
    await people.insert('Ada');
    await people.update('TRUE', `seen = '${local}'`);
    await tenant.run(mapping);
    expect(await fieldsOf('Ada')).toEqual({ seen: moment });

    const { id } = await people.customerOf('Ada');
    await tenant.api.updateCustomer(id, { customFields: { seen: otherMoment } });
    await tenant.run(mapping);
    expect(await people.database.run('SELECT seen::text FROM people')).toEqual([[otherLocal]]);
    expect(await tenant.run(mapping, { kind: 'RECONCILE' })).toMatchObject({ comparison: { equal: 1, differing: 0 } });
  });

  test('says with the policy NEWEST who wins', async () => {
    const mapping = await people.map({ policy: 'NEWEST', timeField: 'changed' });
    const names = ['Ada', 'Grace'];
    for (const each of names) await people.insert(each);
    await tenant.run(mapping);
    const ids = await Promise.all(names.map(async (each) => (await people.customerOf(each)).id));
    await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'PAUSED' });
    for (const id of ids) await tenant.api.updateCustomer(id, { jobTitle: 'Countess' });
    await people.update(`name = 'Ada'`, `title = 'Programmer', changed = '2999-01-01 00:00:00'`);
    await people.update(`name = 'Grace'`, `title = 'Programmer', changed = '1999-01-01 00:00:00'`);
    await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'ENABLED' });
    await tenant.run(mapping);

    expect(await tenant.conflicts(mapping)).toEqual([]);
    const titles = await Promise.all(
      ids.map(async (id) => (await tenant.api.ok('GET', `/v1/customers/${id}`))['jobTitle']),
    );
    expect(titles).toEqual(['Programmer', 'Countess']);
  });
});

test('a time that the clocks of the zone have twice, or never, costs its field', async () => {
  await people.database.run('ALTER TABLE people ADD seen timestamp');
  const { settings } = await tenant.api.ok<{ settings: object }>('GET', `/v1/connections/${people.connection}`);
  const zoned = { ...settings, timeZone: 'Europe/Berlin' };
  await tenant.api.ok('PATCH', `/v1/connections/${people.connection}`, { settings: zoned });
  await define('seen', 'TIME');
  await people.insert('Ada');
  await people.insert('Grace');
  await people.update(`name = 'Ada'`, `seen = '2026-10-25 02:30:00'`);
  await people.update(`name = 'Grace'`, `seen = '2026-03-29 02:30:00'`);
  const mapping = await people.map({ fields: [name, field('seen')] });

  expect(await tenant.run(mapping)).toMatchObject({ state: 'SUCCEEDED', counts: { conflicts: 0 } });
  const records = (await issuesOf(mapping)).filter(({ reason, field }) => reason === 'VALUE_UNFIT' && field === 'seen');
  expect(new Set(records.map(({ recordId }) => recordId)).size).toBe(2);
  expect([await fieldsOf('Ada'), await fieldsOf('Grace')]).toEqual([undefined, undefined]);

  const { id } = await people.customerOf('Ada');
  await tenant.api.updateCustomer(id, { customFields: { seen: '2026-10-25T01:30:00Z' } });
  await tenant.run(mapping);
  expect(await people.database.run('SELECT seen::text FROM people ORDER BY name')).toEqual([
    ['2026-10-25 02:30:00'],
    ['2026-03-29 02:30:00'],
  ]);
});

test('an e-mail address of a column that does not fit costs its field, which the issue names', async () => {
  await people.insert('Ada', 'Analyst', 'not valid@example.com');
  const mapping = await people.map();

  expect(await tenant.run(mapping)).toMatchObject({ state: 'SUCCEEDED', counts: { conflicts: 0 } });
  expect(await issuesOf(mapping)).toContainEqual(expect.objectContaining({ reason: 'VALUE_UNFIT', field: 'email' }));
  expect(await people.customerOf('Ada')).not.toHaveProperty('emails.0');
});
