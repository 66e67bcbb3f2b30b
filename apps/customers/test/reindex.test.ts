import { CustomField, CustomField_Type as Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { createOrm, tenantSession } from '@rapport/persistence';
import type { Caller } from '@rapport/platform';
import pg from 'pg';
import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { reindexRecords, reindexTenant, staleTenantsSql } from '../src/engine/write/reindex-records.js';
import { customers as type } from '../src/domain/customers/customers.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;
let caller: Caller;
let owner: pg.Client;

// A service of its own: it reindexes the rows of all tenants.
beforeAll(async () => {
  customers = await RunningCustomers.start();
  owner = new pg.Client({ connectionString: customers.urls.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await customers.stop();
});
beforeEach(() => asTenant(newCaller()));

async function asTenant(tenant: Caller): Promise<void> {
  caller = tenant;
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [caller.tenantId]);
}

function reindex() {
  return reindexRecords({ databaseUrl: customers.urls.ownerUrl, entities });
}

/** The steps after the lookup of tenants. */
async function reindexOwn() {
  const orm = createOrm({ databaseUrl: customers.urls.ownerUrl, entities });
  try {
    const { tenantId } = caller;
    return await reindexTenant(orm.em.fork({ session: tenantSession(tenantId) }), type, tenantId);
  } finally {
    await orm.close();
  }
}

/** Rows of the release before custom fields: it did not know the new columns. */
async function insertOld(count = 1): Promise<string[]> {
  const { rows } = await owner.query<{ id: string }>(
    `insert into customer (tenant_id, id, kind, display_name, given_name, family_name, company_name, emails, phones,
       addresses, external_ids, domains, tags, lifecycle_stage, search_text, sort_name, version, create_time, update_time,
       created_by, updated_by)
     select $1, id, 'PERSON', 'Zoë Adams', 'Zoë', 'Adams', 'Ångström AB', '[]', '[{"number": "+493012345"}]',
       '[{"city": "Köln"}]', '[]', '{}', '{VIP}', 'LEAD', 'an older form', 'zoe', 4, '2026-01-01', '2026-01-02', 'x', 'y'
     from unnest($2::uuid[]) id returning id`,
    [caller.tenantId, Array.from({ length: count }, () => v7())],
  );
  return rows.map(({ id }) => id);
}

const derived = 'search_text, sort_name, family_sort_name, company_sort_name, terms, order_values, index_version';

async function columns(id: string, names: string): Promise<object> {
  const { rows } = await owner.query<object>(`select ${names} from customer where id = $1`, [id]);
  return rows[0] ?? expect.fail('is not there');
}

async function countStale(): Promise<number> {
  const { rows } = await owner.query<{ count: string }>('select count(*) from customer where index_version = 0');
  return Number(rows[0]?.count);
}

test('rows of the previous release get the derived columns of this one, and retain all others', async () => {
  const customField = { ...CustomField.decode(new Uint8Array()), key: 'note', type: Type.TEXT, searchable: true };
  await customers.call('createCustomField', { customField }, caller);
  const [id = ''] = await insertOld();
  await owner.query(`update customer set custom_fields = '{"note": "Größe"}' where id = $1`, [id]);
  const own = await customers.get(caller, id);

  expect(await reindex()).toEqual({ reindexed: 1, held: 0 });

  const isWritable = (name: string) => type.contract.fields.find((field) => field.name === name)?.writable !== 'NEVER';
  const given = Object.fromEntries(Object.entries(own).filter(([name]) => isWritable(name)));
  const twin = await customers.create(caller, { ...given, externalIds: [] });
  expect(await columns(id, derived)).toEqual(await columns(twin.id, derived));
  expect(await columns(id, derived)).toMatchObject({
    index_version: type.definition.indexVersion,
    sort_name: 'zoe adams',
    company_sort_name: 'angstrom ab',
  });
  expect(await customers.get(caller, id)).toEqual(own);
  const order = await owner.query('select field, value from customer_order_value where customer_id = $1', [id]);
  expect(order.rows).toEqual([{ field: 'note', value: 'grosse' }]);
});

test('all rows of all tenants are reindexed once, deleted ones too', async () => {
  const first = caller;
  await insertOld(1_001);
  await owner.query('update customer set delete_time = now() where id in (select id from customer limit 7)');
  await asTenant(newCaller());
  await insertOld(3);

  expect(await reindex()).toEqual({ reindexed: 1_004, held: 0 });

  const counts = [await countStale()];
  await asTenant(first);
  counts.push(await countStale());
  expect(counts).toEqual([0, 0]);
  const rows = 'select xmin::text, ctid::text from customer order by id';
  const before = await owner.query(rows);
  expect(await reindex()).toEqual({ reindexed: 0, held: 0 });
  expect((await owner.query(rows)).rows).toEqual(before.rows);
});

test('encrypted rows, which stay as they are, are not read under the lock', async () => {
  const superuser = await customers.connectAsSuperuser();
  try {
    await insertOld(400);
    await superuser.query('set session_replication_role = replica');
    await superuser.query('update customer set sealed = true where tenant_id = $1', [caller.tenantId]);
    await superuser.query('analyze customer');
    // As in a large table: a small one is read as a whole sooner.
    await superuser.query('set enable_seqscan = off');

    const { rows } = await superuser.query<{ 'QUERY PLAN': object }>(
      `explain (analyze, format json) ${staleTenantsSql('customer').replace('?', String(type.definition.indexVersion))}`,
    );

    const plan = JSON.stringify(rows[0]?.['QUERY PLAN']);
    const counts = [...plan.matchAll(/"(?:Actual Rows|Rows Removed by Filter)":(?<count>[\d.]+)/g)];
    expect(Math.max(...counts.map(({ groups }) => Number(groups?.['count'])))).toBeLessThan(50);
    expect(await reindex()).toEqual({ reindexed: 0, held: 0 });
  } finally {
    await superuser.query('delete from customer where tenant_id = $1', [caller.tenantId]);
    await superuser.end();
  }
});

test('a locked row is skipped, and left unchanged if the write has reindexed it', async () => {
  const [held = '', free = ''] = await insertOld(2);
  const writer = new pg.Client({ connectionString: customers.urls.ownerUrl });
  await writer.connect();
  try {
    await writer.query(`select set_config('app.tenant_id', $1, false)`, [caller.tenantId]);
    await writer.query('begin');
    await writer.query('select from customer where id = $1 for update', [held]);

    expect(await reindexOwn()).toEqual({ reindexed: 1, held: 1 });

    expect(await columns(free, 'index_version')).toEqual({ index_version: type.definition.indexVersion });
    await writer.query(
      `update customer set search_text = 'newer', index_version = ${type.definition.indexVersion} where id = $1`,
      [held],
    );
    await writer.query('commit');
  } finally {
    await writer.end();
  }
  expect(await reindex()).toEqual({ reindexed: 0, held: 0 });
  expect(await columns(held, 'search_text')).toEqual({ search_text: 'newer' });
});

test('row-level security binds the owner again afterwards', async () => {
  await insertOld();
  await reindex();
  await owner.query(`select set_config('app.tenant_id', '', false)`);
  expect((await owner.query('select from customer')).rowCount).toBe(0);
});

test('the service responds meanwhile', async () => {
  await insertOld(1_500);
  const { id } = await customers.create(caller, person());
  const work = reindex();
  for (let turn = 0; turn < 20; turn += 1) await customers.update(caller, id, { jobTitle: `${turn}` });
  expect(await work).toEqual({ reindexed: 1_500, held: 0 });
});
