import { sharedPlatform } from '@rapport/testing';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { ExchangeTenant, untilBlocks } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let tenant: ExchangeTenant;
let people: PeopleTable;

beforeEach(async () => {
  tenant = await ExchangeTenant.create(platform);
  people = await PeopleTable.create(tenant);
});

test.each([
  ['CUSTOMER', 'Countess'],
  ['PEER', 'Programmer'],
])('when both have changed a field, %s gives both its value', async (policy, title) => {
  const mapping = await people.map({ policy });
  const id = await people.changeBoth(mapping);

  expect(await people.titles()).toEqual([['Ada', title]]);
  expect(await tenant.api.ok('GET', `/v1/customers/${id}`)).toMatchObject({ jobTitle: title });
  expect(await tenant.conflicts(mapping)).toEqual([]);
});

test('a conflict shows both values, blocks no other field, and ends as a user decides', async () => {
  const mapping = await people.map();
  const id = await people.changeBoth(mapping);
  const [conflict] = await tenant.conflicts(mapping);
  expect(conflict).toMatchObject({
    ...{ kind: 'FIELDS', customerId: id },
    fields: [{ customerField: 'jobTitle', customerValue: '"Countess"', peerValue: '"Programmer"' }],
  });
  expect((await tenant.compare(mapping)).comparison).toMatchObject({ conflicting: 1, differing: 0 });
  await people.update(`name = 'Ada'`, `email = 'ada@example.com'`);
  await tenant.run(mapping);
  expect(await tenant.api.ok('GET', `/v1/customers/${id}`)).toMatchObject({ emails: [{ address: 'ada@example.com' }] });

  await tenant.api.ok('POST', `/v1/syncConflicts/${conflict!.id}:resolve`, { choice: 'PEER' });
  await tenant.untilEqual(mapping, 1);

  expect(await tenant.api.ok('GET', `/v1/customers/${id}`)).toMatchObject({ jobTitle: 'Programmer' });
  expect(await tenant.conflicts(mapping)).toEqual([]);
});

test('a user can decide while a run settles the pair', async () => {
  const mapping = await people.map();
  const id = await people.changeBoth(mapping);
  await people.update(`name = 'Ada'`, `email = 'ada@example.com'`);
  const deciding = await tenant.api.connect();
  await deciding.query('begin');
  await deciding.query(`update sync_link set choice = 'PEER', revision = revision + 1 where mapping_id = $1`, [
    mapping,
  ]);
  // An automatic one may be earlier.
  const running = tenant.run(mapping);
  await Promise.race([running, untilBlocks(deciding)]);
  await deciding.query('commit');
  await deciding.end();

  await running;
  expect((await tenant.runs(mapping)).flatMap(({ issues }) => issues)).toEqual([]);
  expect(await tenant.api.ok('GET', `/v1/customers/${id}`)).toMatchObject({
    ...{ jobTitle: 'Programmer', emails: [{ address: 'ada@example.com' }] },
  });
  expect(await tenant.conflicts(mapping)).toEqual([]);
});

test('no value of a record is stored in plain text', async () => {
  const mapping = await people.map();
  await people.changeBoth(mapping);
  const rows = await tenant.api.query<{ text: string }>(
    `select link::text as text from sync_link link where tenant_id = $1
     union all select conflict::text from sync_conflict conflict where tenant_id = $1
     union all select connection::text from connection where tenant_id = $1`,
    [tenant.api.tenant.tenantId],
  );
  expect(rows.length).toBeGreaterThanOrEqual(3);
  const text = rows.map((row) => row.text).join();
  for (const secret of ['Countess', 'Programmer', people.database.password, Buffer.from('Countess').toString('hex')])
    expect(text).not.toContain(secret);
});

describe('a record that comes later with the e-mail address of a customer', () => {
  let mapping: string;
  let id: string;
  beforeEach(async () => {
    mapping = await people.map({ direction: 'TO_CUSTOMERS' });
    await tenant.run(mapping);
    id = await tenant.api.createCustomer('Ada King', { emails: [{ address: 'ada@example.com' }] });
  });

  test('belongs to it when the names are alike', async () => {
    await people.insert('Ada King', 'Analyst', 'ada@example.com');
    await tenant.run(mapping);

    await expect.poll(async () => (await tenant.customers()).get(id)).toMatchObject({ jobTitle: 'Analyst' });
    expect((await tenant.customers()).size).toBe(1);
    expect(await tenant.conflicts(mapping)).toEqual([]);
  });

  test('gets a conflict when they are not, and can be linked to it', async () => {
    await people.insert('Grace Hopper', 'Analyst', 'ada@example.com');
    await tenant.run(mapping);
    const [conflict] = await tenant.conflicts(mapping);
    expect(conflict).toMatchObject({ kind: 'PAIRING', candidates: [{ customerId: id, reasons: ['EMAIL'] }] });

    await tenant.api.ok('POST', `/v1/syncConflicts/${conflict!.id}:resolve`, { choice: 'LINK' });
    await expect
      .poll(async () => (await tenant.customers()).get(id))
      .toMatchObject({ displayName: 'Grace Hopper', jobTitle: 'Analyst' });
    expect((await tenant.customers()).size).toBe(1);
    expect(await tenant.conflicts(mapping)).toEqual([]);
  });

  test('waits with a conflict about its value once a user has rejected the match', async () => {
    await people.insert('Grace Hopper', 'Analyst', 'ada@example.com');
    await tenant.run(mapping);
    const [conflict] = await tenant.conflicts(mapping);
    await tenant.api.ok('POST', `/v1/syncConflicts/${conflict!.id}:resolve`, { choice: 'SEPARATE' });
    await expect
      .poll(() => tenant.conflicts(mapping))
      .toMatchObject([{ kind: 'VALUE_TAKEN', otherCustomerId: id, recordId: '1' }]);

    await tenant.api.updateCustomer(id, { emails: [] });
    const [taken] = await tenant.conflicts(mapping);
    await tenant.api.ok('POST', `/v1/syncConflicts/${taken!.id}:resolve`, { choice: 'RETRY' });
    await expect.poll(async () => (await tenant.customers()).size).toBe(2);
  });
});

test('a record that cannot be exchanged delays no other, and is retried', async () => {
  await people.insert('Ada');
  await people.insert('Grace');
  await people.insert('Radia');
  const mapping = await people.map({ direction: 'TO_CUSTOMERS', state: 'PAUSED' });
  await tenant.api.query(
    `create function refuse_second() returns trigger language plpgsql as
       $$ begin if new.record_id = '2' then raise exception 'refused'; end if; return new; end $$`,
  );
  await tenant.api.query(
    `create trigger refuse_second before insert or update on sync_link for each row
     when (new.mapping_id = '${mapping}') execute function refuse_second()`,
  );
  const failedBefore = await failedPairs();
  await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'ENABLED' });

  const run = await tenant.run(mapping);
  expect(run).toMatchObject({ state: 'SUCCEEDED', issues: [{ recordId: '2', reason: 'FAILED' }] });
  expect(await failedPairs()).toBeGreaterThan(failedBefore);
  expect([...(await tenant.customers()).values()].map(({ displayName }) => displayName).sort()).toEqual([
    'Ada',
    'Radia',
  ]);

  await tenant.api.query('drop function refuse_second cascade');
  expect(await tenant.run(mapping)).toMatchObject({ state: 'SUCCEEDED', issues: [] });
  expect((await tenant.customers()).size).toBe(3);
});

test('a dry run reports the planned steps, and changes nothing', async () => {
  await people.insert('Ada');
  await tenant.api.createCustomer('Grace');
  const mapping = await people.map({ state: 'PAUSED' });
  expect(await tenant.api.send('POST', '/v1/syncRuns', { mappingId: mapping })).toMatchObject({
    status: 409,
    body: { code: 'MAPPING_DISABLED' },
  });
  await tenant.api.ok('PATCH', `/v1/connections/${people.connection}`, { state: 'DISABLED' });
  await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'ENABLED' });
  expect((await people.titles()).length + (await tenant.customers()).size).toBe(2);
  await tenant.api.ok('PATCH', `/v1/connections/${people.connection}`, { state: 'ENABLED' });
  await tenant.untilEqual(mapping, 2);
  await people.insert('Lin');
  await people.update(`name = 'Ada'`, 'deleted_at = now()');

  const run = await tenant.compare(mapping);

  expect(run.comparison).toMatchObject({ equal: 1, onlyRecords: 1, onlyCustomers: 1 });
  expect(run.plannedChanges.map(({ action }) => action).sort()).toEqual(['CREATE_CUSTOMER', 'DELETE_CUSTOMER']);
  expect((await tenant.customers()).size).toBe(2);
});

test('dry runs delay no exchange that is due, however many there are', async () => {
  await tenant.api.ok('PATCH', `/v1/connections/${people.connection}`, { pollSeconds: 1 });
  const mapping = await people.map();
  await people.insert('Ada');
  await tenant.untilEqual(mapping, 1);

  await people.insert('Grace');
  // By dry runs without a pause.
  await tenant.untilEqual(mapping, 2);
});

test('more deletes than allowed stop the mapping until a user confirms them', async () => {
  const mapping = await people.map({ maxDeletes: 2 });
  for (const name of ['Ada', 'Grace', 'Lin', 'Mary']) await people.insert(name);
  await tenant.untilEqual(mapping, 4);
  await people.update(`name <> 'Ada'`, 'deleted_at = now()');

  expect(await tenant.run(mapping)).toMatchObject({ state: 'FAILED', errorReason: 'MASS_DELETE' });
  expect(await tenant.mapping(mapping)).toMatchObject({ state: 'STOPPED', errorReason: 'MASS_DELETE' });
  expect((await tenant.customers()).size).toBe(4);

  expect(await tenant.run(mapping, { allowMassDelete: true })).toMatchObject({
    state: 'SUCCEEDED',
    counts: { customersDeleted: 3 },
  });
  await expect.poll(async () => (await tenant.customers()).size).toBe(1);
  expect(await tenant.mapping(mapping)).toMatchObject({ state: 'ENABLED' });
});

test('a field that the other system has lost stops the mapping with an error that names it', async () => {
  const mapping = await people.map();
  await people.insert('Ada');
  await tenant.untilEqual(mapping, 1);
  await people.database.run('ALTER TABLE people DROP COLUMN title');

  expect(await tenant.run(mapping)).toMatchObject({ state: 'FAILED', errorReason: 'PEER_SCHEMA_CHANGED' });
  const { state, errorMessage } = await tenant.mapping(mapping);
  expect([state, errorMessage]).toEqual(['STOPPED', expect.stringContaining('title')]);
});

test('a merge of customers leaves one record, with the changes of the other', async () => {
  const mapping = await people.map();
  await people.insert('Ada', 'Analyst', 'ada@example.com');
  await people.insert('Ada King', '', '');
  await tenant.untilEqual(mapping, 2);
  const [kept, merged] = [await people.customerOf('Ada'), await people.customerOf('Ada King')];
  await tenant.api.ok('POST', `/v1/customers/${kept.id}:merge`, { mergedId: merged.id });
  await tenant.untilEqual(mapping, 1);

  expect(await people.titles()).toEqual([['Ada', 'Analyst']]);
});

test('when a merge is followed by another, or by a delete, before it is exchanged, no record is left over', async () => {
  const mapping = await people.map();
  for (const name of ['Ada', 'Ada King', 'Ada Lovelace', 'Grace', 'Grace Hopper']) await people.insert(name, name);
  await tenant.untilEqual(mapping, 5);
  await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'PAUSED' });
  const merge = async (kept: string, merged: string) => {
    const [{ id }, { id: mergedId }] = [await people.customerOf(kept), await people.customerOf(merged)];
    await tenant.api.ok('POST', `/v1/customers/${id}:merge`, { mergedId });
    return id;
  };
  await merge('Ada King', 'Ada Lovelace');
  await merge('Ada', 'Ada King');
  await tenant.api.ok('DELETE', `/v1/customers/${await merge('Grace', 'Grace Hopper')}`);
  await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'ENABLED' });

  await tenant.run(mapping);

  expect(await people.titles()).toEqual([['Ada', 'Ada']]);
  expect(await tenant.conflicts(mapping)).toEqual([]);
});

test('a principal that loses access to personal data, or all permissions, exchanges nothing any more', async () => {
  const permissions = ['connections.read', 'connections.write', 'customers.read', 'customers.write'];
  const setter = await tenant.api.withKey({ displayName: 'Sync', permissions });
  const { apiKeys } = await tenant.api.ok<{ apiKeys: { id: string; displayName: string }[] }>('GET', '/v1/apiKeys');
  const key = apiKeys.find(({ displayName }) => displayName === 'Sync');
  await setter.ok('PATCH', `/v1/connections/${people.connection}`, { displayName: 'Ours' });
  const mapping = await people.map();
  await people.insert('Ada');
  await tenant.untilEqual(mapping, 1);

  // As the roles of a user may change; what a key may is given with it.
  await tenant.api.query('update api_key set hides_pii = true where id = $1', [key!.id], 'auth');
  await expect.poll(async () => (await tenant.run(mapping)).errorReason).toBe('PERSONAL_DATA_HIDDEN');
  expect(await people.titles()).toEqual([['Ada', 'Analyst']]);
  await tenant.api.ok('POST', `/v1/apiKeys/${key!.id}:revoke`);
  await expect.poll(async () => (await tenant.run(mapping)).errorReason).toBe('PRINCIPAL_ENDED');

  await people.insert('Grace');
  expect(await tenant.run(mapping)).toMatchObject({ state: 'FAILED', errorReason: 'PRINCIPAL_ENDED' });
  expect((await tenant.customers()).size).toBe(1);
  expect(await tenant.mapping(mapping)).toMatchObject({ state: 'STOPPED', errorReason: 'PRINCIPAL_ENDED' });
});

/** As the shared sync counts them. */
async function failedPairs(): Promise<number> {
  const metrics = await Promise.all(platform.metricsUrls.map(async (url) => (await fetch(url)).text()));
  return Number(/^rapport_sync_failed_pairs_total (\d+)$/m.exec(metrics.join('\n'))?.[1] ?? 0);
}
