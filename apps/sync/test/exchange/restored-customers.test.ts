import { sharedPlatform, type SharedPlatform } from '@rapport/testing';
import { beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { ExchangeTenant } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

let platform: SharedPlatform;
let tenant: ExchangeTenant;
let people: PeopleTable;

beforeAll(async () => {
  platform = await sharedPlatform(inject('platformUrl'));
}, 120_000);

beforeEach(async () => {
  tenant = await ExchangeTenant.create(platform);
  people = await PeopleTable.create(tenant);
});

/** Makes the customers of the tenant what they were, as a restored backup does: no change says so. */
async function restoreCustomers(change: string, values: unknown[]): Promise<void> {
  const client = await tenant.api.connect('customers');
  await client.query('set session_replication_role = replica');
  await client.query(change, values);
  await client.end();
}

/** What the expired cursor of the feed does after a restore. */
async function readAllAgain(mapping: string): Promise<void> {
  await tenant.api.query(
    'update mapping_progress set are_customers_read = false, customers_page_token = null where mapping_id = $1',
    [mapping],
  );
  await tenant.run(mapping);
}

/** Operations run beside all other work of the platform. */
const patience = { timeout: 100_000, interval: 100 };

describe('after customers was restored from a backup', () => {
  test('a record whose customer is newer than the backup is not deleted, and becomes a customer again', async () => {
    const mapping = await people.map();
    await people.insert('Ada');
    await people.insert('Grace');
    await tenant.untilEqual(mapping, 2);
    const { id } = await people.customerOf('Ada');

    await restoreCustomers('delete from customer where id = $1', [id]);
    await readAllAgain(mapping);

    expect(await people.titles()).toEqual([
      ['Ada', 'Analyst'],
      ['Grace', 'Analyst'],
    ]);
    await tenant.untilEqual(mapping, 2);
    expect((await people.customerOf('Ada')).id).not.toBe(id);
  });

  test('a customer that the exchange has changed since the backup gets the values of its record again', async () => {
    const mapping = await people.map();
    await people.insert('Ada');
    await tenant.untilEqual(mapping, 1);
    const { id } = await people.customerOf('Ada');
    const [backup] = await tenant.api.query<{ row: object }>(
      'select to_jsonb(customer) as row from customer where id = $1',
      [id],
      'customers',
    );
    await people.update(`name = 'Ada'`, `title = 'Programmer'`);
    await tenant.run(mapping);
    await tenant.untilEqual(mapping, 1);

    await restoreCustomers(
      `update customer set (job_title, search_text, version, update_time) =
         (select job_title, search_text, version, update_time from jsonb_populate_record(null::customer, $2)) where id = $1`,
      [id, JSON.stringify(backup?.row)],
    );
    await readAllAgain(mapping);

    expect(await people.titles()).toEqual([['Ada', 'Programmer']]);
    await tenant.untilEqual(mapping, 1);
    expect(await people.customerOf('Ada')).toMatchObject({ id, jobTitle: 'Programmer' });
  });

  test('a customer that was deleted takes its record with it as before', async () => {
    const mapping = await people.map();
    await people.insert('Ada');
    await tenant.untilEqual(mapping, 1);
    const { id } = await people.customerOf('Ada');

    await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'PAUSED' });
    await tenant.api.ok('DELETE', `/v1/customers/${id}`);
    await tenant.api.query('delete from sync_hint where mapping_id = $1', [mapping]);
    await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'ENABLED' });
    await readAllAgain(mapping);

    expect(await people.titles()).toEqual([]);
  });

  test('a customer that the undo of an import has removed takes its record with it, also once no change says so', async () => {
    const mapping = await people.map();
    await people.insert('Grace');
    const { id } = await tenant.api.ok('POST', '/v1/imports', { contentType: 'text/csv' });
    const file = await fetch(`${platform.edgeUrl}/v1/imports/${String(id)}/file`, {
      ...{ method: 'PUT', body: 'display name\nAda\n' },
      headers: { authorization: `Bearer ${tenant.api.apiKey}`, 'content-type': 'text/csv' },
    });
    expect(file.status).toBe(200);
    const operation = async () => (await tenant.api.ok('GET', `/v1/operations/${String(id)}`))['state'];
    await expect.poll(operation, patience).toBe('SUCCEEDED');
    await tenant.untilEqual(mapping, 2);

    await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'PAUSED' });
    await tenant.api.ok('POST', `/v1/operations/${String(id)}:undo`);
    await expect.poll(operation, patience).toBe('UNDONE');
    await tenant.api.query('delete from sync_hint where mapping_id = $1', [mapping]);
    await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'ENABLED' });
    await readAllAgain(mapping);

    expect(await people.titles()).toEqual([['Grace', 'Analyst']]);
    await tenant.untilEqual(mapping, 1);
  });
});
