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

const filter = 'tags:vip';

async function create(displayName: string, more: object = {}): Promise<string> {
  const customer = { kind: 'PERSON', displayName, jobTitle: 'Analyst', ...more };
  return (await tenant.api.ok<{ id: string }>('POST', '/v1/customers', customer)).id;
}

const vip = { tags: ['vip'] };
const setVip = (id: string, isVip: boolean) => tenant.api.updateCustomer(id, { tags: isVip ? ['vip'] : ['former'] });
const names = async () => (await people.titles()).map(([name]) => name);
const titleOf = async (name: string) => (await people.titles()).find(([own]) => own === name)?.[1];

/** Waits for the automatic exchange of a change. */
const eventually = (read: () => Promise<unknown>) => expect.poll(read, { timeout: 60_000, interval: 100 });

/** A customer that got a record by the filter, and no longer meets it. */
async function adaLeaves(): Promise<{ id: string; mapping: string }> {
  const id = await create('Ada', vip);
  const mapping = await people.map({ filter });
  await eventually(names).toEqual(['Ada']);
  await setVip(id, false);
  await tenant.run(mapping);
  return { id, mapping };
}

describe('a filter that customers refuses', () => {
  test('is refused when the mapping is saved', async () => {
    const body = { connectionId: people.connection, recordType: 'people', customerKind: 'PERSON' };
    const fields = [{ customerField: 'displayName', peerField: 'name' }];
    const mapping = await people.map({ state: 'PAUSED' });
    const refused = {
      'tags:vip AND': 'FILTER_SYNTAX',
      'shoe_size = 43': 'FILTER_FIELD_UNKNOWN',
      'custom_fields.undefined_one = 1': 'FILTER_FIELD_UNKNOWN',
      'jobTitle < "B"': 'FILTER_NOT_INDEXED',
      'company.city:Graz': 'FILTER_FIELD_UNKNOWN',
      'ownerId = me': 'FILTER_WITHOUT_USER',
    };

    for (const [wrong, code] of Object.entries(refused)) {
      const created = await tenant.api.send('POST', '/v1/mappings', { ...body, fields, filter: wrong });
      const updated = await tenant.api.send('PATCH', `/v1/mappings/${mapping}`, { filter: wrong });

      const answer = { status: 400, body: { errors: [{ in: 'body', pointer: '/filter', code }] } };
      expect([created, updated], wrong).toMatchObject([answer, answer]);
    }
    expect((await tenant.mapping(mapping))['filter']).toBeUndefined();
  });

  test('later on stops the mapping, and what it has not tested is not exchanged', async () => {
    const mapping = await people.map({ filter });
    await tenant.run(mapping);
    // As a new version of customers may take a field away.
    await tenant.api.query(`update mapping set filter = 'shoe_size = 43' where id = $1`, [mapping]);

    const id = await create('Ada', vip);

    await eventually(async () => (await tenant.mapping(mapping))['errorReason']).toBe('FILTER_REFUSED');
    expect(await names()).toEqual([]);
    await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { filter: `id = ${id}` });
    await eventually(names).toEqual(['Ada']);
  });
});

test('the first exchange, the feed and a reconciliation make records of those customers only that meet the filter', async () => {
  await create('Ada', vip);
  await create('Grace');
  const mapping = await people.map({ filter });

  const first = await tenant.run(mapping);
  await eventually(names).toEqual(['Ada']);
  await create('Hedy');
  await create('Joan', vip);
  await eventually(names).toEqual(['Ada', 'Joan']);

  expect(await tenant.compare(mapping)).toMatchObject({
    comparison: { equal: 2, differing: 0, onlyCustomers: 0, onlyRecords: 0, filtered: 2 },
    ...{ planned: { recordsCreated: 0, customersDeleted: 0 }, plannedChanges: [] },
  });
  expect(await tenant.run(mapping, { kind: 'RECONCILE' })).toMatchObject({
    ...{ comparison: { equal: 2, filtered: 2 }, counts: { recordsCreated: 0, filtered: 2 } },
  });
  expect(first.state).toBe('SUCCEEDED');
  expect(await names()).toEqual(['Ada', 'Joan']);
});

test('a customer that leaves the filter keeps its record, which stays as it is until the customer comes back', async () => {
  const { id, mapping } = await adaLeaves();

  await tenant.api.updateCustomer(id, { jobTitle: 'Countess' });
  await people.update(`name = 'Ada'`, `email = 'ada@example.com'`);
  await tenant.run(mapping);
  const compared = await tenant.run(mapping, { kind: 'RECONCILE' });

  const counted = (await tenant.runs(mapping)).filter(({ kind, counts }) => kind === 'EXCHANGE' && counts['filtered']);
  expect(counted.length).toBeGreaterThan(0);
  expect(compared).toMatchObject({
    comparison: { equal: 0, differing: 0, onlyCustomers: 0, onlyRecords: 0, filtered: 1 },
    plannedChanges: [],
  });
  expect(await titleOf('Ada')).toBe('Analyst');
  expect((await people.customerOf('Ada'))['emails']).toEqual([]);

  await setVip(id, true);

  await eventually(() => titleOf('Ada')).toBe('Countess');
  await eventually(async () => (await people.customerOf('Ada'))['emails']).toMatchObject([
    { address: 'ada@example.com' },
  ]);
  await tenant.untilEqual(mapping, 1);
  expect((await tenant.customers()).size).toBe(1);
});

test('what both have changed meanwhile is a conflict when the customer comes back, and none before', async () => {
  const { id, mapping } = await adaLeaves();
  await tenant.api.updateCustomer(id, { jobTitle: 'Countess' });
  await people.update(`name = 'Ada'`, `title = 'Programmer'`);
  await tenant.run(mapping, { kind: 'RECONCILE' });
  expect(await tenant.conflicts(mapping)).toEqual([]);

  await setVip(id, true);

  await eventually(async () => (await tenant.conflicts(mapping)).map(({ kind }) => kind)).toEqual(['FIELDS']);
  await setVip(id, false);
  await eventually(() => tenant.conflicts(mapping)).toEqual([]);
});

test('deletes are not exchanged for a customer outside of the filter, in no direction', async () => {
  const [ada, grace] = [await create('Ada', vip), await create('Grace', vip)];
  const mapping = await people.map({ filter, policy: 'PEER' });
  await eventually(names).toEqual(['Ada', 'Grace']);
  for (const id of [ada, grace]) await setVip(id, false);
  await tenant.run(mapping);

  await tenant.api.ok('DELETE', `/v1/customers/${ada}`);
  await people.update(`name = 'Grace'`, 'deleted_at = clock_timestamp()');
  await tenant.run(mapping);
  await tenant.run(mapping, { kind: 'RECONCILE' });
  await setVip(grace, true);
  await tenant.run(mapping);

  expect(await names()).toEqual(['Ada']);
  expect([...(await tenant.customers()).keys()]).toEqual([grace]);
});

test('an erasure is exchanged for a customer outside of the filter, too', async () => {
  const ada = await create('Ada', vip);
  const mapping = await people.map({ filter });
  await eventually(names).toEqual(['Ada']);
  await setVip(ada, false);
  await tenant.run(mapping);

  await tenant.api.ok('POST', `/v1/customers/${ada}:erase`, { reason: 'CONSENT_WITHDRAWN' });

  await eventually(names).toEqual([]);
});

test('records become customers whether these meet the filter or not, and are kept equal only when they do', async () => {
  await people.insert('Ada');
  const mapping = await people.map({ filter });
  await tenant.run(mapping);
  const { id } = await people.customerOf('Ada');

  await people.update(`name = 'Ada'`, `title = 'Programmer'`);
  await tenant.run(mapping);
  await tenant.api.updateCustomer(id, { displayName: 'Ada Lovelace' });
  await tenant.run(mapping);

  expect(await people.titles()).toEqual([['Ada', 'Programmer']]);
  expect(await people.customerOf('Ada Lovelace')).toMatchObject({ jobTitle: 'Analyst' });
  await setVip(id, true);
  await eventually(() => people.titles()).toEqual([['Ada Lovelace', 'Programmer']]);
  await tenant.untilEqual(mapping, 1);
});

test('customers outside of the filter are paired, so that none is doubled', async () => {
  const emails = [{ address: 'ada@example.com' }];
  const ada = await create('Ada Lovelace', { emails, jobTitle: 'Countess' });
  const grace = await create('Grace Hopper');
  await people.insert('Ada Lovelace', 'Analyst', 'ada@example.com');
  await people.insert('Grace Hopper');
  const mapping = await people.map({ filter, state: 'PAUSED', policy: 'CUSTOMER' });
  const dry = await tenant.run(mapping, { dryRun: true });
  await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'ENABLED' });
  const first = await tenant.run(mapping);

  expect(dry).toMatchObject({
    ...{ pairing: { pairs: 1, questions: 1, onlyCustomers: 0, onlyRecords: 0 }, planned: { customersCreated: 0 } },
    comparison: { filtered: 2, conflicting: 1, onlyRecords: 0 },
  });
  expect(first.state).toBe('SUCCEEDED');
  expect(await people.titles()).toEqual([
    ['Ada Lovelace', 'Analyst'],
    ['Grace Hopper', 'Analyst'],
  ]);
  expect(await tenant.conflicts(mapping)).toMatchObject([{ kind: 'PAIRING', candidates: [{ customerId: grace }] }]);

  await people.insert('A. Lovelace', 'Late', 'ada@example.com');
  await setVip(ada, true);

  await eventually(() => titleOf('Ada Lovelace')).toBe('Countess');
  expect((await tenant.customers()).size).toBe(2);
});

test('a run that is in progress creates no record by a filter that was changed meanwhile', async () => {
  const mapping = await people.map({ filter: 'tags:none' });
  await tenant.run(mapping);
  await create('Ada', vip);
  const table = await people.lock();
  try {
    await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { filter });
    await expect.poll(table.waiting, { timeout: 60_000 }).toBeGreaterThan(0);
    await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { filter: 'tags:none' });
  } finally {
    await table.release();
  }

  expect(await tenant.run(mapping)).toMatchObject({ state: 'SUCCEEDED' });
  expect(await names()).toEqual([]);
  await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { filter });
  await eventually(names).toEqual(['Ada']);
});

test('a changed filter has all customers tested again', async () => {
  const ada = await create('Ada', vip);
  await create('Grace', { tags: ['former'] });
  const mapping = await people.map({ filter });
  await eventually(names).toEqual(['Ada']);

  await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { filter: 'tags:former' });
  await eventually(names).toEqual(['Ada', 'Grace']);
  await tenant.api.updateCustomer(ada, { jobTitle: 'Countess' });
  await people.update(`name = 'Ada'`, `email = 'ada@example.com'`);
  await tenant.run(mapping);
  expect(await titleOf('Ada')).toBe('Analyst');
  expect(await tenant.compare(mapping)).toMatchObject({ comparison: { equal: 1, filtered: 1 }, plannedChanges: [] });

  expect(await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { filter: null })).not.toHaveProperty('filter');
  await eventually(() => titleOf('Ada')).toBe('Countess');
  await tenant.untilEqual(mapping, 2);
});
