import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { ReferringService, ReferringTenant } from './referring-tenant.js';

// The types of this file are known to modules that no other file uses.
vi.resetModules();
const modules = await import('./referring-tenant.js');
const { everythingIn, valuesIn } = await import('./encrypted-tenant.js');
const { keyIdOf } = await import('../src/engine/sealing/data-key.js');
const { exportPersonalData } = await import('../src/domain/privacy/export-personal-data.js');
const { BulkWork } = await import('../src/engine/pace/bulk-work.js');
const { SuppressionKey } = await import('../src/domain/suppressions/suppression-key.js');

let service: ReferringService;
let tenant: ReferringTenant;
/** Sees the rows of all tables. */
let superuser: pg.Client;

beforeAll(async () => {
  service = await modules.ReferringService.start();
  superuser = await service.customers.connectAsSuperuser();
});
afterAll(async () => {
  await superuser.end();
  await service.stop();
  vi.resetModules();
});
beforeEach(() => {
  tenant = new modules.ReferringTenant(service);
});

/** Each personal value has the mark in it. */
function marked(mark: string, customerId?: string) {
  return { title: `${mark}title`, note: `${mark}note`, guests: [{ name: `${mark}guest`, label: 'first' }], customerId };
}

async function tablesWith(text: string): Promise<string[]> {
  const { rows } = await superuser.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1`,
  );
  const found: string[] = [];
  for (const { name } of rows) {
    const sql = `select from ${name} t where position($1 in lower(t::text)) > 0 or position($2 in t::text) > 0 limit 1`;
    const { rowCount } = await superuser.query(sql, [text, Buffer.from(text).toString('hex')]);
    if (rowCount) found.push(name);
  }
  return found;
}

/** The customer that each record of a type refers to. */
async function referredBy(singular: string): Promise<(string | undefined)[]> {
  return (await tenant.all(singular)).map(({ customerId }) => customerId);
}

test('a merge moves the records that say so, deleted ones too, and undoing it moves back those that are still there', async () => {
  const [a, b, c] = [await tenant.createPerson(), await tenant.createPerson(), await tenant.createPerson()];
  const visit = await tenant.create('visit', marked('x', b.id));
  const [deleted, elsewhere] = [
    await tenant.create('visit', marked('x', b.id)),
    await tenant.create('visit', marked('x', b.id)),
  ];
  await tenant.update('visit', deleted, 'delete_time = now()');
  const own = await tenant.create('visit', marked('x', a.id));
  await tenant.create('bill', marked('x', b.id));

  const mergeId = await tenant.merge(a.id, b.id);

  expect(await referredBy('visit')).toEqual([a.id, a.id, a.id, a.id]);
  expect(await referredBy('bill')).toEqual([b.id]);
  const [moved] = await tenant.all('visit');
  expect(moved).toEqual({
    ...{ ...visit, customerId: a.id, etag: '"2"', updatedBy: tenant.caller.principalId },
    updateTime: expect.any(String) as string,
  });
  expect((await tenant.all('visit')).find(({ id }) => id === own.id)).toEqual(own);
  await expect
    .poll(() => changesOf(visit.id))
    .toEqual([
      ['CREATE', b.id],
      ['UPDATE', a.id],
    ]);

  await tenant.update('visit', elsewhere, `customer_id = '${c.id}'`);
  await tenant.unmerge(mergeId);

  expect(await referredBy('visit')).toEqual([b.id, b.id, c.id, a.id]);
});

test('a merge counts the records of all types, and refuses too many before it moves any', async () => {
  const [a, b] = [await tenant.createPerson(), await tenant.createPerson()];
  const visit = await tenant.create('visit', marked('x', b.id));
  await tenant.create('ticket', marked('x', b.id));
  const copied = `insert into visit select (jsonb_populate_record(v, jsonb_build_object('id', gen_random_uuid()))).*
    from visit v, generate_series(1, 9999) where v.id = $1`;
  await service.call(tenant.caller, (em) =>
    em.transactional(async (transaction) => void (await transaction.execute(copied.replace('$1', '?'), [visit.id]))),
  );

  await expect(tenant.merge(a.id, b.id)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'MERGE_TOO_LARGE',
  });
  expect(await referredBy('ticket')).toEqual([b.id]);
});

test('an erasure leaves no personal data in records that referred to the person, nor in what is kept of them', async () => {
  const mark = 'zaphod';
  const [ada, other] = [await tenant.createPerson({ displayName: 'Ada' }), await tenant.createPerson()];
  const visit = await tenant.create('visit', marked(mark, ada.id), 'key-1');
  await tenant.update('visit', visit, `title = '${mark} renamed', search_text = '${mark}'`);
  const former = await tenant.create('visit', marked(mark, ada.id));
  await tenant.update('visit', former, 'delete_time = now()');
  const ticket = await tenant.create('ticket', marked(mark, ada.id));
  const badge = await tenant.create('badge', marked(mark, ada.id), 'key-2');
  await tenant.create('scan', { title: `${mark}scan`, badgeId: badge.id });
  const bill = await tenant.create('bill', marked('kept', ada.id));
  const untouched = await tenant.create('visit', marked('kept', other.id));
  expect((await tablesWith(mark)).toSorted()).toEqual(
    expect.arrayContaining(['badge', 'idempotency_key', 'scan', 'ticket', 'visit']),
  );

  const counts = await tenant.erase(ada.id);

  expect(await tablesWith(mark)).toEqual([]);
  expect(counts).toMatchObject({ customers: 1, visits: 2, tickets: 1, badges: 1, scans: 1, idempotencyAnswers: 2 });
  expect(counts).not.toHaveProperty('bills');
  const cleared = { title: 'erased', note: undefined, guests: [], customerId: undefined };
  expect(await tenant.all('visit')).toMatchObject([
    { ...cleared, id: visit.id, etag: '"3"', createTime: visit.createTime },
    { ...cleared, id: former.id },
    untouched,
  ]);
  expect(await tenant.all('ticket')).toMatchObject([{ ...cleared, id: ticket.id }]);
  expect([await tenant.all('badge'), await tenant.all('scan')]).toEqual([[], []]);
  expect(await tenant.all('bill')).toMatchObject(
    [{ ...bill, etag: '"2"', updateTime: {}, customerId: undefined }].map(({ updateTime: _, ...rest }) => rest),
  );
  const found = await tenant.rows<{ search_text: string; sort_title: string; terms: string[] }>(
    'select search_text, sort_title, terms from visit where id = $1',
    [visit.id],
  );
  expect(found).toEqual([{ search_text: 'erased', sort_title: 'erased', terms: ['t:erased'] }]);
});

test('an erasure clears the records of those who were merged into the person', async () => {
  const [ada, twin] = [await tenant.createPerson(), await tenant.createPerson()];
  const visit = await tenant.create('visit', marked('trillian', ada.id));
  const moved = await tenant.create('visit', marked('trillian', twin.id));
  await tenant.create('bill', { title: 'bill', customerId: twin.id });
  await tenant.merge(ada.id, twin.id);

  expect(await tenant.erase(ada.id)).toMatchObject({ customers: 2, visits: 2 });

  expect(await tablesWith('trillian')).toEqual([]);
  expect((await tenant.all('visit')).map(({ id }) => id)).toEqual([visit.id, moved.id]);
  expect(await referredBy('bill')).toEqual([undefined]);
});

test('encryption leaves no personal value of any type in any table, and what was written reads as it was', async () => {
  const mark = 'slartibart';
  const ada = await tenant.createPerson({ displayName: `${mark}name` });
  const written: Record<string, object[]> = {};
  for (const type of ['badge', 'bill', 'ticket', 'visit']) {
    written[type] = [await tenant.create(type, marked(mark, ada.id)), await tenant.create(type, marked(mark))];
  }
  expect(await tablesWith(mark)).toContain('visit');

  await tenant.encrypt();
  written['visit']!.push(await tenant.create('visit', marked(mark, ada.id)));

  expect(valuesIn(await everythingIn([service.customers.urls.ownerUrl, service.keys.databaseUrl]), [mark])).toEqual([]);
  for (const [type, records] of Object.entries(written)) expect(await tenant.all(type), type).toEqual(records);
  const [keyOfAda, keys] = [await keyOf('customer', ada.id), await keysOf('visit')];
  expect(Array.from(keys.values(), (key) => key === keyOfAda)).toEqual([true, false, true]);
});

test('in an encrypted tenant a record is sealed with the key of the customer that it has moved to, and back', async () => {
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

test('of an encrypted tenant an erasure destroys all keys that open what records were, and none that others need', async () => {
  await tenant.encrypt();
  const [ada, eve] = [await tenant.createPerson(), await tenant.createPerson()];
  const kept = await tenant.create('visit', marked('kept', ada.id));
  const visit = await tenant.create('visit', marked('gone', eve.id));
  const ticket = await tenant.create('ticket', marked('gone', eve.id));
  const badge = await tenant.create('badge', marked('gone', eve.id));
  await tenant.unmerge(await tenant.merge(ada.id, eve.id));
  const former = [
    ...[await keyOf('customer', ada.id), await keyOf('customer', eve.id), await keyOf('ticket', ticket.id)],
    ...[await keyOf('visit', kept.id), await keyOf('visit', visit.id), await keyOf('badge', badge.id)],
  ];

  await tenant.erase(eve.id);

  expect(await destroyed(former)).toEqual(new Set(former));
  const [keptNow, cleared] = await tenant.all('visit');
  expect(keptNow).toMatchObject({ title: 'kepttitle', note: 'keptnote', customerId: ada.id });
  expect(cleared).toMatchObject({ id: visit.id, title: 'erased', guests: [], customerId: undefined });
  expect(await tenant.all('ticket')).toMatchObject([{ title: 'erased', note: undefined }]);
  const inUse = [await keyOf('customer', ada.id), await keyOf('visit', kept.id), await keyOf('ticket', ticket.id)];
  expect(await destroyed(inUse)).toEqual(new Set());
});

test('the export of a person has the records that refer to them, with their changes', async () => {
  const ada = await tenant.createPerson();
  const [visit, ticket] = [
    await tenant.create('visit', marked('x', ada.id)),
    await tenant.create('ticket', marked('x', ada.id)),
  ];
  await tenant.create('bill', marked('x', ada.id));
  await tenant.create('visit', marked('x'));
  const { loggedTypes, LoggedTypes, loggedRecord } = modules;
  const types = new LoggedTypes([
    ...loggedTypes.types,
    ...[...service.types.values()].map((type) => loggedRecord(type)),
  ]);
  await expect.poll(async () => (await superuser.query('select from outbox')).rowCount).toBe(0);

  const pieces = await service.call(tenant.caller, async (em) => {
    const read: HttpBody[] = [];
    const sources = { em, types, key: new SuppressionKey(Buffer.alloc(32)) };
    for await (const piece of exportPersonalData(sources, new BulkWork({}), ada.id)) read.push(piece);
    return read;
  });

  const data = JSON.parse(Buffer.concat(pieces.map((piece) => Buffer.from(piece.data))).toString()) as {
    visits: object[];
    tickets: object[];
    changes: { type: string; recordId: string }[];
  };
  expect(data).not.toHaveProperty('bills');
  expect(data.visits).toMatchObject([{ id: visit.id, title: 'xtitle', guests: [{ name: 'xguest' }] }]);
  expect(data.tickets).toMatchObject([{ id: ticket.id, title: 'xtitle' }]);
  expect(data.changes.map(({ type, recordId }) => `${type} ${recordId}`)).toEqual([
    ...[`customer ${ada.id}`, `visit ${visit.id}`, `ticket ${ticket.id}`],
  ]);
});

/** What the log has of a record: the operations, and the customer that it referred to after each. */
async function changesOf(id: string): Promise<[operation: string, customerId: string][]> {
  const { rows } = await superuser.query<{ operation: string; customer: string }>(
    `select operation, after ->> 'customer_id' as customer from change_log where record_id = $1 order by position`,
    [id],
  );
  return rows.map(({ operation, customer }) => [operation, customer]);
}

/** Ids of the keys that records are sealed with, by the ids of these. */
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

/** Those of keys that can't open anything any more. */
async function destroyed(ids: readonly string[]): Promise<Set<string>> {
  const { superuserOf } = await import('./superuser.js');
  const keys = await superuserOf(service.keys.databaseUrl);
  const sql = 'select id from subject_key where id = any ($1::uuid[]) and wrapped is null';
  const { rows } = await keys.query<{ id: string }>(sql, [ids]);
  await keys.end();
  return new Set(rows.map(({ id }) => id));
}
