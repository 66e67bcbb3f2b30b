import { Operation_State as State } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { beforeEach, expect, test } from 'vitest';
import { referringModules } from './referring-modules.js';
import type { ReferringTenant } from './referring-tenant.js';

const modules = await referringModules();
const { service, marked, everythingIn, valuesIn, superuserOf, keyIdOf } = modules;
const { superuser } = service;

let tenant: ReferringTenant;

beforeEach(() => {
  tenant = new modules.ReferringTenant(service);
});

test('encryption leaves no personal value of any type in any table, and reads are unchanged', async () => {
  const mark = 'slartibart';
  const ada = await tenant.createPerson({ displayName: `${mark}name` });
  const written: Record<string, object[]> = {};
  for (const type of ['badge', 'bill', 'docket', 'visit']) {
    written[type] = [await tenant.create(type, marked(mark, ada.id)), await tenant.create(type, marked(mark))];
  }
  expect(await service.tablesWith(mark)).toContain('visit');

  await tenant.encrypt();
  written['visit']!.push(await tenant.create('visit', marked(mark, ada.id)));

  expect(valuesIn(await everythingIn([service.customers.urls.ownerUrl, service.keys.databaseUrl]), [mark])).toEqual([]);
  for (const [type, records] of Object.entries(written)) expect(await tenant.all(type), type).toEqual(records);
  const [keyOfAda, keys] = [await keyOf('customer', ada.id), await keysOf('visit')];
  expect(Array.from(keys.values(), (key) => key === keyOfAda)).toEqual([true, false, true]);
});

test('in an encrypted tenant, a moved record is encrypted with the key of its new customer, and back', async () => {
  await tenant.encrypt();
  const [a, b] = [await tenant.createPerson(), await tenant.createPerson()];
  const visit = await tenant.create('visit', marked('x', b.id));
  const [keyOfA, keyOfB] = [await keyOf('customer', a.id), await keyOf('customer', b.id)];
  expect(await keyOf('visit', visit.id)).toBe(keyOfB);

  const mergeId = await tenant.merge(a.id, b.id);
  expect(await keyOf('visit', visit.id)).toBe(keyOfA);
  expect(await tenant.all('visit')).toMatchObject([{ title: 'xtitle', customerId: a.id, etag: '"2"' }]);

  await tenant.unmerge(mergeId);
  expect(await keyOf('visit', visit.id)).toBe(keyOfB);
  expect(await tenant.all('visit')).toMatchObject(
    [{ ...visit, etag: '"3"', updateTime: {} }].map(({ updateTime: _, ...rest }) => rest),
  );
});

test('in an encrypted tenant, an erasure destroys all keys of former data, and none that others need', async () => {
  await tenant.encrypt();
  const [ada, eve] = [await tenant.createPerson(), await tenant.createPerson()];
  const kept = await tenant.create('visit', marked('kept', ada.id));
  const visit = await tenant.create('visit', marked('gone', eve.id));
  const docket = await tenant.create('docket', marked('gone', eve.id));
  const badge = await tenant.create('badge', marked('gone', eve.id));
  await tenant.unmerge(await tenant.merge(ada.id, eve.id));
  const former = [
    ...[await keyOf('customer', ada.id), await keyOf('customer', eve.id), await keyOf('docket', docket.id)],
    ...[await keyOf('visit', kept.id), await keyOf('visit', visit.id), await keyOf('badge', badge.id)],
  ];

  await tenant.erase(eve.id);

  expect(await destroyed(former)).toEqual(new Set(former));
  const [keptNow, cleared] = await tenant.all('visit');
  expect(keptNow).toMatchObject({ title: 'kepttitle', note: 'keptnote', customerId: ada.id });
  expect(cleared).toMatchObject({ id: visit.id, title: 'erased', guests: [], customerId: undefined });
  expect(await tenant.all('docket')).toMatchObject([{ title: 'erased', note: undefined }]);
  const inUse = [await keyOf('customer', ada.id), await keyOf('visit', kept.id), await keyOf('docket', docket.id)];
  expect(await destroyed(inUse)).toEqual(new Set());
});

test('interrupted encryption resumes at its type and record', async () => {
  await tenant.create('badge', marked('x'));
  const [done] = [await tenant.create('docket', marked('x')), await tenant.create('docket', marked('x'))];
  await tenant.create('visit', marked('x'));
  const id = await tenant.encrypt();
  const { tenantId } = tenant.caller;
  for (const table of ['badge', 'docket', 'visit']) {
    await superuser.query(`update ${table} set sealed = false where tenant_id = $1`, [tenantId]);
  }
  await superuser.query(
    `update tenant_encryption set complete_time = null, done_table = 'docket', done_id = $2 where tenant_id = $1`,
    [tenantId, done.id],
  );
  await superuser.query(`update operation set state = 'RUNNING', end_time = null where id = $1`, [id]);
  await superuser.query('insert into operation_job (operation_id, tenant_id, due_time) values ($1, $2, now())', [
    id,
    tenantId,
  ]);

  const state = async () => (await service.customers.call('getOperation', { id }, tenant.caller)).state;
  await expect.poll(state).toBe(State.SUCCEEDED);

  const sealed = async (table: string) => {
    const sql = `select sealed from ${table} where tenant_id = $1 order by id`;
    return (await superuser.query<{ sealed: boolean }>(sql, [tenantId])).rows.map((row) => row.sealed);
  };
  expect([await sealed('badge'), await sealed('docket'), await sealed('visit')]).toEqual([
    [false],
    [false, true],
    [true],
  ]);
});

/** Ids of the keys that encrypt records, by record id. */
async function keysOf(table: string): Promise<Map<string, string>> {
  const column = table === 'customer' ? 'display_name' : 'title';
  const { rows } = await superuser.query<{ id: string; text: string }>(
    `select id, ${column} as text from ${table} where tenant_id = $1`,
    [tenant.caller.tenantId],
  );
  return new Map(rows.map(({ id, text }) => [id, keyIdOf(text)]));
}

async function keyOf(table: string, id: string): Promise<string> {
  return (await keysOf(table)).get(id) ?? '';
}

/** Ids of destroyed keys. */
async function destroyed(ids: readonly string[]): Promise<Set<string>> {
  const keys = await superuserOf(service.keys.databaseUrl);
  const sql = 'select id from subject_key where id = any ($1::uuid[]) and wrapped is null';
  const { rows } = await keys.query<{ id: string }>(sql, [ids]);
  await keys.end();
  return new Set(rows.map(({ id }) => id));
}
