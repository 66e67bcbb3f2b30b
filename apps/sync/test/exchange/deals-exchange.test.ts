import { sharedPlatform } from '@rapport/testing';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { DealsTable } from './deals-table.ts';
import { ExchangeTenant, type Run } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let tenant: ExchangeTenant;

beforeEach(async () => {
  tenant = await ExchangeTenant.create(platform);
});

/** Waits for an automatic run. */
const patience = { timeout: 60_000 };

describe('deals of a table', () => {
  test('become deals of the pipeline, with exact money and days, and follow them', async () => {
    const table = await DealsTable.create(tenant);
    await table.insert('50 seats', { amount: '12500.50', due: `'2026-09-30'` });
    const mapping = await table.map(undefined);
    expect(await tenant.run(mapping)).toMatchObject({ state: 'SUCCEEDED', issues: [] });

    const [deal] = await table.deals();
    expect(deal).toMatchObject({
      ...{ title: '50 seats', stage: 'lead', pipelineId: table.pipelineId, closeDate: '2026-09-30', status: 'OPEN' },
      amount: { amount: '12500.50', currencyCode: 'EUR' },
    });
    await tenant.api.ok('PATCH', `/v1/deals/${deal!.id}`, {
      stage: 'won',
      amount: { amount: '9', currencyCode: 'EUR' },
    });
    await tenant.run(mapping);
    expect(await table.rows('stage, amount, status')).toEqual([['won', '9.00', 'WON']]);

    await table.update('50 seats', `amount = NULL, status = 'LOST'`);
    await tenant.run(mapping);
    expect((await table.deals())[0]).not.toHaveProperty('amount');
    expect(await table.rows('status')).toEqual([['WON']]);
    await tenant.untilEqual(mapping, 1);

    await tenant.api.ok('DELETE', `/v1/deals/${deal!.id}`);
    await tenant.run(mapping);
    expect(await table.rows('title')).toEqual([]);
  });

  test('keep a new deal that was made in Rapport, and none is made twice', async () => {
    const table = await DealsTable.create(tenant);
    const mapping = await table.map(undefined);
    const deal = { title: 'Renewal', pipelineId: table.pipelineId, stage: 'proposal', externalIds: [] };
    await tenant.api.ok('POST', '/v1/deals', deal);
    await tenant.run(mapping);
    await tenant.run(mapping);

    expect(await table.rows('title, stage, status')).toEqual([['Renewal', 'proposal', 'OPEN']]);
    expect(await table.deals()).toHaveLength(1);
    expect((await tenant.run(mapping)).counts).toMatchObject({ customersUpdated: 0, recordsUpdated: 0 });
  });

  test('of one that is taken out by the filter, nothing is exchanged', async () => {
    const table = await DealsTable.create(tenant);
    const mapping = await table.map(undefined, { filter: 'stage = won' });
    await tenant.api.ok('POST', '/v1/deals', { title: 'Open', pipelineId: table.pipelineId, stage: 'lead' });
    await tenant.api.ok('POST', '/v1/deals', { title: 'Won', pipelineId: table.pipelineId, stage: 'won' });
    await tenant.run(mapping);

    expect(await table.rows('title')).toEqual([['Won']]);
  });
});

describe('a reference', () => {
  test('of a row waits for the pair that it names, and is exchanged by itself once there is one', async () => {
    const people = await PeopleTable.create(tenant);
    const table = await DealsTable.create(tenant);
    const ofPeople = await people.map({ state: 'PAUSED' });
    await people.insert('Ada');
    await table.insert('50 seats', { contact: '1' });
    const mapping = await table.map(ofPeople);
    await tenant.run(mapping);
    // Of the first, automatic run, or of the requested one.
    const issues = (await tenant.runs(mapping)).flatMap((run) => run.issues);
    expect(issues).toMatchObject([{ reason: 'REFERENCE_PENDING', field: 'contact' }]);
    expect(await table.deals()).toEqual([]);

    await tenant.api.ok('PATCH', `/v1/mappings/${ofPeople}`, { state: 'ENABLED' });
    await tenant.run(ofPeople);
    const { id: customerId } = await people.customerOf('Ada');
    await expect.poll(() => table.deals(), patience).toMatchObject([{ title: '50 seats', customerId }]);
  });

  test('of a deal becomes the id that its customer has in the other system, also when another takes its place', async () => {
    const people = await PeopleTable.create(tenant);
    const table = await DealsTable.create(tenant);
    const ofPeople = await people.map();
    const mapping = await table.map(ofPeople);
    await tenant.run(ofPeople);
    const [ada, grace] = await Promise.all(
      ['Ada', 'Grace'].map((displayName) =>
        tenant.api.ok<{ id: string }>('POST', '/v1/customers', { kind: 'PERSON', displayName }),
      ),
    );
    const more = { pipelineId: table.pipelineId, stage: 'lead', customerId: ada!.id };
    const { id } = await tenant.api.ok<{ id: string }>('POST', '/v1/deals', { title: '50 seats', ...more });
    await tenant.run(mapping);
    await tenant.run(ofPeople);
    const idOf = async (name: string) => (await people.database.run(`SELECT id FROM people WHERE name = '${name}'`))[0];
    await expect.poll(() => table.rows('contact'), patience).toEqual([await idOf('Ada')]);

    await tenant.api.ok('PATCH', `/v1/deals/${id}`, { customerId: grace!.id });
    await tenant.run(mapping);
    expect(await table.rows('contact')).toEqual([await idOf('Grace')]);
    await tenant.untilEqual(mapping, 1);
  });

  test('of a pair that names nobody known leaves the other fields to be exchanged', async () => {
    const people = await PeopleTable.create(tenant);
    const table = await DealsTable.create(tenant);
    const mapping = await table.map(await people.map());
    await table.insert('50 seats');
    await tenant.run(mapping);
    await table.update('50 seats', `contact = 4711, reason = 'price'`);
    await tenant.run(mapping);

    // A run that the change began by itself may have met it first.
    const issues = (await tenant.runs(mapping)).flatMap((run) => run.issues);
    expect(issues).toMatchObject([{ reason: 'REFERENCE_PENDING', field: 'contact' }]);
    const [deal] = await table.deals();
    expect(deal).toMatchObject({ lostReason: 'price' });
    expect(deal).not.toHaveProperty('customerId');
    expect((await tenant.compare(mapping)).comparison).toMatchObject({ conflicting: 1, differing: 0 });
  });
});

test('a stage that the pipeline does not allow is an issue, holds up no other field, and is not tried again and again', async () => {
  const table = await DealsTable.create(tenant, { transitions: 'NEXT_ONLY' });
  await table.insert('50 seats');
  const mapping = await table.map(undefined);
  await tenant.run(mapping);
  await table.update('50 seats', `stage = 'won', reason = 'price'`);
  await tenant.run(mapping);

  // A run that began by itself may have met it first.
  const issues = (await tenant.runs(mapping)).flatMap((run) => run.issues);
  expect(issues).toMatchObject([{ reason: 'VALUE_UNFIT', field: 'stage' }]);
  expect((await table.deals())[0]).toMatchObject({ stage: 'lead', lostReason: 'price' });
  expect(await tenant.conflicts(mapping)).toEqual([]);
  const again = await tenant.run(mapping);
  expect(again).toMatchObject({ state: 'SUCCEEDED', issues: [] });
  expect(again.counts).toMatchObject({ customersUpdated: 0, recordsUpdated: 0 });
});

describe('a mapping', () => {
  const refused = async (body: Record<string, unknown>, api = tenant.api) => {
    const { status, body: problem } = await api.send('POST', '/v1/mappings', body);
    return { status, code: problem['code'], errors: (problem['errors'] ?? []) as { pointer: string; code: string }[] };
  };

  test('names the type of its records, as they are declared', async () => {
    const table = await DealsTable.create(tenant);
    const wrong: [Record<string, unknown>, pointer: string, code: string][] = [
      [table.body(undefined, { object: 'deal' }), '/object', 'OBJECT_UNKNOWN'],
      [table.body(undefined, { object: 'stageEntries' }), '/object', 'OBJECT_UNKNOWN'],
      [table.body(undefined, { customerKind: 'PERSON' }), '/customerKind', 'UNEXPECTED'],
      [table.body(undefined, { object: undefined }), '/customerKind', 'REQUIRED'],
      [table.body(undefined, { defaults: {} }), '/fields', 'REQUIRED_FIELD_MISSING'],
      [
        table.body(undefined, { defaults: { pipelineId: table.pipelineId, nothing: 1 } }),
        '/defaults/nothing',
        'UNKNOWN_FIELD',
      ],
      [
        table.body(undefined, { fields: [{ customerField: 'status', peerField: 'status' }] }),
        '/fields/0/customerField',
        'NOT_WRITABLE',
      ],
      [
        table.body(undefined, { fields: [{ customerField: 'emails', peerField: 'reason' }] }),
        '/fields/0/customerField',
        'UNKNOWN_FIELD',
      ],
    ];
    for (const [body, pointer, code] of wrong) {
      const { status, errors } = await refused(body);
      expect({ status, errors }, pointer).toMatchObject({ status: 400 });
      expect(errors.map((error) => [error.pointer, error.code])).toContainEqual([pointer, code]);
    }
  });

  test('refers to a mapping of the records that its field names, which stays as long', async () => {
    const people = await PeopleTable.create(tenant);
    const table = await DealsTable.create(tenant);
    const ofPeople = await people.map();
    const ofDeals = await table.map(ofPeople);
    const wrong = await refused(table.body(ofDeals));
    expect(wrong.errors).toMatchObject([{ code: 'MAPPING_UNKNOWN' }]);

    const { status, body } = await tenant.api.send('DELETE', `/v1/mappings/${ofPeople}`);
    expect({ status, code: body['code'] }).toEqual({ status: 409, code: 'MAPPING_REFERENCED' });
    const ofConnection = await tenant.api.send('DELETE', `/v1/connections/${people.connection}`);
    expect(ofConnection).toMatchObject({ status: 409, body: { code: 'MAPPING_REFERENCED' } });
    await tenant.api.ok('DELETE', `/v1/mappings/${ofDeals}`);
    await tenant.api.ok('DELETE', `/v1/mappings/${ofPeople}`);
  });

  test('takes the permissions that its records take', async () => {
    const table = await DealsTable.create(tenant);
    const permissions = ['connections.write', 'connections.read', 'customers.read', 'customers.write', 'deals.read'];
    const key = await tenant.api.withKey({ permissions });

    expect(await refused(table.body(undefined), key)).toMatchObject({ status: 403, code: 'PERMISSION_MISSING' });
  });

  test('of customers is what it was, when it names no type', async () => {
    const people = await PeopleTable.create(tenant);
    const mapping = await people.map();

    expect(await tenant.mapping(mapping)).toMatchObject({ object: 'customers', customerKind: 'PERSON' });
    const runs = await tenant.api.ok<{ syncRuns: Run[] }>('GET', `/v1/syncRuns?mappingId=${mapping}`);
    expect(runs.syncRuns.every(({ state }) => state !== 'FAILED')).toBe(true);
  });
});
