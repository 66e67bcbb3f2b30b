import { sharedPlatform } from '@rapport/testing';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { ExchangeTenant, type Conflict, type Run } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let tenant: ExchangeTenant;
let people: PeopleTable;

beforeEach(async () => {
  tenant = await ExchangeTenant.create(platform);
  people = await PeopleTable.create(tenant);
});

const names = ['Ada Lovelace', 'Grace Hopper', 'Radia Perlman', 'Barbara Liskov', 'Frances Allen'];
const addressOf = (name: string) => `${name.toLowerCase().replaceAll(' ', '.')}@example.com`;

/** The same people on both sides, with other ids. */
async function addToBoth(all: readonly string[] = names): Promise<void> {
  for (const name of all) {
    await people.insert(name, 'Analyst', addressOf(name));
    await tenant.api.createCustomer(name, { emails: [{ address: addressOf(name) }] });
  }
}

async function counted(): Promise<{ records: number; customers: number }> {
  return { records: (await people.titles()).length, customers: (await tenant.customers()).size };
}

async function resolve(conflictId: string, resolution: object): Promise<void> {
  await tenant.api.ok('POST', `/v1/syncConflicts/${conflictId}:resolve`, { ...resolution });
}

/** Waits for a requested run. */
async function ended(run: { id: string }): Promise<Run> {
  return tenant.ended(run.id);
}

test('two systems with the same people have them once each after the first exchange', async () => {
  const all = Array.from({ length: 20 }, (_, index) => `${names[index % 5]} ${'ABCD'[Math.floor(index / 5)]}x`);
  await addToBoth(all);
  const mapping = await people.map();

  const run = await tenant.untilEqual(mapping, 20);

  expect(run.comparison).toMatchObject({ equal: 20, conflicting: 0 });
  expect(await counted()).toEqual({ records: 20, customers: 20 });
  expect(await tenant.conflicts(mapping)).toEqual([]);
  const [first] = (await tenant.runs(mapping)).filter(({ pairing }) => pairing);
  expect(first).toMatchObject({
    pairing: { pairs: 20, questions: 0, onlyCustomers: 0, onlyRecords: 0 },
    counts: { customersCreated: 0, recordsCreated: 0 },
  });
});

test('a dry run of pairing lists pairs, questions and what is on one side only, and does nothing', async () => {
  await addToBoth(names.slice(0, 2));
  await people.insert('Radia Perlman', 'Analyst', 'radia@work.example');
  const radia = await tenant.api.createCustomer('Radia Perlman', { emails: [{ address: 'radia@home.example' }] });
  await people.insert('Only There');
  await tenant.api.createCustomer('Just Here');
  const mapping = await people.map({ state: 'PAUSED' });

  const run = await ended(await tenant.api.ok('POST', `/v1/mappings/${mapping}:pair`, { dryRun: true }));

  expect(run).toMatchObject({
    ...{ kind: 'PAIR', state: 'SUCCEEDED', dryRun: true },
    pairing: { pairs: 2, questions: 1, onlyCustomers: 1, onlyRecords: 1 },
  });
  const lines = (await tenant.api.text(`/v1/syncRuns/${run.id}:download`)).trimEnd().split('\r\n');
  expect(lines[0]).toBe('outcome,side,recordId,customerId,score,reasons');
  expect(
    lines
      .slice(1)
      .map((line) => line.split(',')[0])
      .sort(),
  ).toEqual([...['ONLY_CUSTOMER', 'ONLY_RECORD', 'PAIR', 'PAIR', 'QUESTION']]);
  expect(lines).toContain(`QUESTION,PEER,3,${radia},60,NAME`);
  expect(await tenant.conflicts(mapping)).toEqual([]);
  const links = await tenant.api.query('select 1 from sync_link where mapping_id = $1', [mapping]);
  expect(links).toEqual([]);
  expect(await counted()).toEqual({ records: 4, customers: 4 });
});

test('a dry run of the first exchange says exactly what that creates', async () => {
  await addToBoth(names.slice(0, 2));
  await people.insert('Radia Perlman', 'Analyst', 'radia@work.example');
  await tenant.api.createCustomer('Radia Perlman', { emails: [{ address: 'radia@home.example' }] });
  for (const name of ['Only There', 'Also There']) await people.insert(name);
  for (const name of ['Ken Thompson', 'K. Thompson']) await people.insert(name, 'Analyst', 'ken@example.com');
  await tenant.api.createCustomer('Just Here');
  const mapping = await people.map({ state: 'PAUSED' });

  const dry = await tenant.run(mapping, { dryRun: true });
  await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'ENABLED' });
  await expect.poll(async () => (await tenant.mapping(mapping))['isBackfilled']).toBe(true);
  const first = (await tenant.runs(mapping)).find(({ pairing, dryRun }) => pairing && !dryRun);

  const { customersCreated, recordsCreated, customersUpdated, recordsUpdated } = first?.counts ?? {};
  expect(dry.planned).toMatchObject({ customersCreated, recordsCreated, customersUpdated, recordsUpdated });
  expect(dry.planned).toMatchObject({ customersCreated: 3, recordsCreated: 1, customersUpdated: 2 });
  expect(dry.pairing).toEqual(first?.pairing);
  expect((await tenant.conflicts(mapping)).map(({ kind }) => kind)).toEqual(['PAIRING', 'PAIRING']);
  expect(dry.pairing).toMatchObject({ questions: 2, onlyRecords: 3 });
  expect(await counted()).toEqual({ records: 8, customers: 7 });
});

test('what pairs is not decided by chance: external ids first, and no address against a name', async () => {
  const grace = await tenant.api.createCustomer('Grace Hopper', {
    emails: [{ address: 'grace@example.com' }],
    externalIds: [{ system: 'shop', value: '1' }],
  });
  await people.insert('Rear Admiral', 'Officer');
  const family = await tenant.api.createCustomer('Anna Miller', { emails: [{ address: 'family@example.com' }] });
  await people.insert('Tom Miller', 'Analyst', 'family@example.com');
  const mapping = await people.map({ externalIdSystem: 'shop', state: 'PAUSED' });

  const run = await ended(await tenant.api.ok('POST', `/v1/mappings/${mapping}:pair`, {}));

  expect(run.pairing).toMatchObject({ pairs: 1, questions: 1 });
  const [conflict] = await tenant.conflicts(mapping);
  expect(conflict).toMatchObject({
    ...{ kind: 'PAIRING', recordId: '2' },
    candidates: [{ customerId: family, reasons: ['EMAIL'], linked: false }],
  });
  const linked = await tenant.api.query('select customer_id from sync_link where mapping_id = $1 and record_id = $2', [
    ...[mapping, '1'],
  ]);
  expect(linked).toEqual([{ customer_id: grace }]);
});

test('two records that share a value of one customer both get a conflict', async () => {
  await tenant.api.createCustomer('Ada Lovelace', { emails: [{ address: 'ada@example.com' }] });
  await people.insert('Ada Lovelace', 'Analyst', 'ada@example.com');
  await people.insert('A. Lovelace', 'Analyst', 'ada@example.com');
  const mapping = await people.map();
  await expect
    .poll(async () => (await tenant.conflicts(mapping)).map(({ kind }) => kind))
    .toEqual([...['PAIRING', 'PAIRING']]);

  expect(await counted()).toEqual({ records: 2, customers: 1 });
});

test('match fields that the mapping names pair, and such that it does not have are refused', async () => {
  const byTitle = await tenant.api.createCustomer('Ada Lovelace', { jobTitle: 'No. 42' });
  await people.insert('Ada Lovelace', 'no. 42');
  const refused = await tenant.api.send('POST', '/v1/mappings', {
    ...{ connectionId: people.connection, recordType: 'people', customerKind: 'PERSON', matchFields: ['phones'] },
    fields: [{ customerField: 'displayName', peerField: 'name' }],
  });
  expect(refused).toMatchObject({ status: 400, body: { errors: [{ pointer: '/matchFields/0' }] } });

  const mapping = await people.map({ matchFields: ['jobTitle'], policy: 'PEER' });
  await tenant.untilEqual(mapping, 1);
  expect((await tenant.customers()).get(byTitle)).toMatchObject({ jobTitle: 'no. 42' });
});

describe('a record that may be a customer', () => {
  let mapping: string;
  let ada: string;

  beforeEach(async () => {
    ada = await tenant.api.createCustomer('Ada Lovelace', { emails: [{ address: 'ada@home.example' }] });
    await people.insert('Ada Lovelace', 'Countess', 'ada@work.example');
    mapping = await people.map({ policy: 'PEER' });
    await expect.poll(async () => (await tenant.conflicts(mapping)).length).toBe(1);
  });

  const onlyConflict = async () => (await tenant.conflicts(mapping))[0] ?? expect.fail('There is no conflict.');

  test('waits with it, also when both change', async () => {
    await tenant.api.updateCustomer(ada, { jobTitle: 'Analyst' });
    await people.update(`name = 'Ada Lovelace'`, `title = 'Programmer'`);
    await tenant.run(mapping);
    await tenant.run(mapping, { kind: 'RECONCILE' });

    expect(await tenant.compare(mapping)).toMatchObject({
      comparison: { conflicting: 2, onlyCustomers: 0, onlyRecords: 0 },
      planned: { customersCreated: 0, recordsCreated: 0 },
    });
    expect(await onlyConflict()).toMatchObject({ kind: 'PAIRING', candidates: [{ customerId: ada, score: 60 }] });
    expect(await counted()).toEqual({ records: 1, customers: 1 });
    const { counts } = await tenant.api.ok<{ counts: object[] }>('GET', `/v1/syncConflicts?mappingId=${mapping}`);
    expect(counts).toEqual([{ kind: 'PAIRING', count: 1 }]);
  });

  test('is linked with it by LINK', async () => {
    await resolve((await onlyConflict()).id, { choice: 'LINK' });
    await tenant.untilEqual(mapping, 1);

    expect(await counted()).toEqual({ records: 1, customers: 1 });
    expect((await tenant.customers()).get(ada)).toMatchObject({ jobTitle: 'Countess' });
    expect(await tenant.conflicts(mapping)).toEqual([]);
  });

  test('is another one by SEPARATE, for good', async () => {
    await resolve((await onlyConflict()).id, { choice: 'SEPARATE' });
    await tenant.untilEqual(mapping, 2);
    await tenant.api.ok('POST', `/v1/mappings/${mapping}:pair`, {}).then((run) => ended(run as { id: string }));

    expect(await counted()).toEqual({ records: 2, customers: 2 });
    expect(await tenant.conflicts(mapping)).toEqual([]);
  });

  test('stays alone by IGNORE, and the customer gets a record of its own', async () => {
    await resolve((await onlyConflict()).id, { choice: 'IGNORE' });
    await expect.poll(counted).toEqual({ records: 2, customers: 1 });

    expect(await tenant.conflicts(mapping)).toEqual([]);
  });

  test('ends its conflict when it is deleted, and the customer is exchanged', async () => {
    await people.update(`name = 'Ada Lovelace'`, 'deleted_at = now()');
    await tenant.run(mapping);
    await expect.poll(counted).toEqual({ records: 1, customers: 1 });

    expect(await tenant.conflicts(mapping)).toEqual([]);
  });

  test('becomes a customer when the one that it may be is deleted', async () => {
    await tenant.api.ok('DELETE', `/v1/customers/${ada}`);
    await expect.poll(() => tenant.conflicts(mapping)).toEqual([]);
    await tenant.untilEqual(mapping, 1);

    expect((await tenant.customers()).has(ada)).toBe(false);
  });

  test('has only choices that resolve it', async () => {
    const { id } = await onlyConflict();
    for (const choice of ['CUSTOMER', 'PEER', 'RETRY']) {
      const answer = await tenant.api.send('POST', `/v1/syncConflicts/${id}:resolve`, { choice });
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ code: 'CHOICE_UNFIT' }] } });
    }
    const other = { choice: 'LINK', customerId: await tenant.api.createCustomer('Another Person') };
    expect(await tenant.api.send('POST', `/v1/syncConflicts/${id}:resolve`, other)).toMatchObject({
      body: { errors: [{ code: 'CANDIDATE_UNKNOWN' }] },
    });
  });
});

test('a customer that matches a record of another customer gets a conflict, and creates no record', async () => {
  await tenant.api.createCustomer('Ada Lovelace', { emails: [{ address: 'ada@work.example' }] });
  const double = await tenant.api.createCustomer('Ada Lovelace', { emails: [{ address: 'ada@home.example' }] });
  await people.insert('Ada Lovelace', 'Countess', 'ada@work.example');
  const mapping = await people.map();
  await expect.poll(async () => (await tenant.conflicts(mapping)).length).toBe(1);

  const [conflict] = await tenant.conflicts(mapping);
  expect(conflict).toMatchObject({
    kind: 'PAIRING',
    customerId: double,
    candidates: [{ recordId: '1', linked: true }],
  });
  expect(await counted()).toEqual({ records: 1, customers: 2 });
  await resolve(conflict!.id, { choice: 'SEPARATE' });
  await tenant.untilEqual(mapping, 2);
});

test('the rejected candidates of a record get conflicts of their own', async () => {
  const [first, second] = [
    await tenant.api.createCustomer('Ada Lovelace', { emails: [{ address: 'ada@home.example' }] }),
    await tenant.api.createCustomer('Ada Lovelace', { emails: [{ address: 'ada@away.example' }] }),
  ];
  await people.insert('Ada Lovelace', 'Countess', 'ada@work.example');
  const mapping = await people.map({ policy: 'PEER' });
  const asked = async () => (await tenant.conflicts(mapping)).map(({ recordId, customerId }) => recordId ?? customerId);
  await expect.poll(asked).toEqual(['1']);
  const [conflict] = await tenant.conflicts(mapping);
  const ambiguous = await tenant.api.send('POST', `/v1/syncConflicts/${conflict!.id}:resolve`, { choice: 'LINK' });
  expect(ambiguous).toMatchObject({ status: 400, body: { errors: [{ pointer: '/customerId', code: 'REQUIRED' }] } });

  await resolve(conflict!.id, { choice: 'LINK', customerId: first });

  await expect.poll(asked).toEqual([second]);
  expect(await counted()).toEqual({ records: 1, customers: 2 });
});

test('a mapping that is deleted and made again changes nothing', async () => {
  await addToBoth(names.slice(0, 3));
  for (const name of ['No Address', 'No Address']) await people.insert(name);
  const mapping = await people.map();
  await tenant.untilEqual(mapping, 5);
  const before = [await people.titles(), [...(await tenant.customers()).values()].map(({ etag }) => etag).sort()];
  await tenant.api.ok('DELETE', `/v1/mappings/${mapping}`);

  const again = await people.map();
  await expect.poll(async () => (await tenant.mapping(again))['isBackfilled']).toBe(true);
  await tenant.untilEqual(again, 5);

  for (const { counts } of await tenant.runs(again)) {
    const { seen: _seen, ...changes } = counts;
    expect(Object.values(changes).every((count) => count === 0)).toBe(true);
  }
  const after = [await people.titles(), [...(await tenant.customers()).values()].map(({ etag }) => etag).sort()];
  expect(after).toEqual(before);
});

test('what was edited while there was no mapping is merged by the one that is made again', async () => {
  await addToBoth(names.slice(0, 2));
  const mapping = await people.map();
  await tenant.untilEqual(mapping, 2);
  await tenant.api.ok('DELETE', `/v1/mappings/${mapping}`);
  await people.update(`name = 'Ada Lovelace'`, `title = 'Countess'`);
  await tenant.api.updateCustomer((await people.customerOf('Grace Hopper')).id, { jobTitle: 'Rear admiral' });

  const again = await people.map();
  await tenant.untilEqual(again, 2);

  expect(await people.titles()).toEqual([
    ['Ada Lovelace', 'Countess'],
    ['Grace Hopper', 'Rear admiral'],
  ]);
  expect(await tenant.conflicts(again)).toEqual([]);
});

test('LINK moves a link from a copy that the exchange has made, and from nothing else', async () => {
  const mapping = await people.map();
  await tenant.untilEqual(mapping, 0);
  const ada = await tenant.api.createCustomer('Ada Lovelace', { emails: [{ address: 'ada@example.com' }] });
  const grace = await tenant.api.createCustomer('Grace Hopper', { emails: [{ address: 'grace@example.com' }] });
  await tenant.untilEqual(mapping, 2);
  await people.insert('Ada King', 'Countess', 'ada@example.com');
  await people.insert('Rear Admiral', 'Officer', 'grace@example.com');
  // What the other system has written to it since makes a copy more than that.
  await people.update(`name = 'Grace Hopper'`, `title = 'Programmer'`);
  await tenant.run(mapping);
  const candidateOf = ({ candidates }: Conflict) => candidates[0]?.customerId;
  const conflicts = new Map((await tenant.conflicts(mapping)).map((conflict) => [candidateOf(conflict), conflict]));
  expect([...conflicts.keys()].sort()).toEqual([ada, grace].sort());

  await resolve(conflicts.get(ada)!.id, { choice: 'LINK' });
  const path = `/v1/syncConflicts/${conflicts.get(grace)!.id}:resolve`;
  expect(await tenant.api.send('POST', path, { choice: 'LINK', customerId: grace })).toMatchObject({
    ...{ status: 409, body: { code: 'CUSTOMER_LINKED' } },
  });

  await expect
    .poll(async () => (await people.titles()).map(([name]) => name))
    .toEqual(['Ada King', 'Grace Hopper', 'Rear Admiral']);
  expect(await tenant.customers()).toHaveProperty('size', 2);
  expect((await tenant.conflicts(mapping)).map(candidateOf)).toContain(grace);
});
