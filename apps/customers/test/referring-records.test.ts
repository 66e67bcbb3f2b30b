import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { beforeEach, expect, test } from 'vitest';
import { referringModules } from './referring-modules.js';
import type { ReferringTenant } from './referring-tenant.js';

const modules = await referringModules();
const { service, marked, docketChanges, BulkWork, SuppressionKey } = modules;
const { superuser } = service;

let tenant: ReferringTenant;

beforeEach(() => {
  tenant = new modules.ReferringTenant(service);
});

/** The customer of each record of a type. */
async function referredBy(singular: string): Promise<(string | undefined)[]> {
  return (await tenant.all(singular)).map(({ customerId }) => customerId);
}

test('a merge moves records with MOVE, deleted ones too, and its undo moves back those that still exist', async () => {
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
  await tenant.create('docket', marked('x', b.id));
  // Logging a row takes longer than writing it.
  await superuser.query('set session_replication_role = replica');
  await superuser.query(
    `insert into visit select copied.* from visit, generate_series(1, 9999) n,
       jsonb_populate_record(visit, jsonb_build_object('id', gen_random_uuid(), 'n', n)) copied where visit.id = $1`,
    [visit.id],
  );
  await superuser.query('reset session_replication_role');

  await expect(tenant.merge(a.id, b.id)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'MERGE_TOO_LARGE',
  });
  expect(await referredBy('docket')).toEqual([b.id]);
});

test('moving a record has its side effects, like any change', async () => {
  const [a, b] = [await tenant.createPerson(), await tenant.createPerson()];
  const docket = await tenant.create('docket', marked('x', b.id));

  await tenant.unmerge(await tenant.merge(a.id, b.id));

  const moves = docketChanges
    .filter(({ after }) => after.id === docket.id)
    .map(({ before, after }) => [before?.customerId, after.customerId]);
  expect(moves).toEqual([
    [undefined, b.id],
    [b.id, a.id],
    [a.id, b.id],
  ]);
});

test('an erasure leaves no personal data in records that referred to the person, nor in their history', async () => {
  const mark = 'zaphod';
  const [ada, other] = [await tenant.createPerson({ displayName: 'Ada' }), await tenant.createPerson()];
  const visit = await tenant.create('visit', marked(mark, ada.id), 'key-1');
  await tenant.update('visit', visit, `title = '${mark} renamed', search_text = '${mark}'`);
  const former = await tenant.create('visit', marked(mark, ada.id));
  await tenant.update('visit', former, 'delete_time = now()');
  const joined = await tenant.create('visit', marked(mark), 'key-3');
  await tenant.change('visit', joined.id, { customerId: ada.id });
  const docket = await tenant.create('docket', marked(mark, ada.id));
  const badge = await tenant.create('badge', marked(mark, ada.id), 'key-2');
  await tenant.create('scan', { title: `${mark}scan`, badgeId: badge.id });
  const bill = await tenant.create('bill', marked('kept', ada.id));
  const untouched = await tenant.create('visit', marked('kept', other.id));
  expect((await service.tablesWith(mark)).toSorted()).toEqual(
    expect.arrayContaining(['badge', 'idempotency_key', 'scan', 'docket', 'visit']),
  );

  const counts = await tenant.erase(ada.id);

  expect(await service.tablesWith(mark)).toEqual([]);
  expect(counts).toMatchObject({ customers: 1, visits: 3, dockets: 1, badges: 1, scans: 1, idempotencyAnswers: 3 });
  expect(counts).not.toHaveProperty('bills');
  const cleared = {
    ...{ title: 'erased', note: undefined, guests: [], customerId: undefined },
    ...{ start: { hour: 8 }, stops: [{ hour: 9 }, { hour: 10 }] },
  };
  expect(await tenant.all('visit')).toMatchObject([
    { ...cleared, id: visit.id, etag: '"3"', createTime: visit.createTime },
    { ...cleared, id: former.id },
    { ...cleared, id: joined.id },
    untouched,
  ]);
  expect(await tenant.all('docket')).toMatchObject([{ ...cleared, id: docket.id }]);
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

test('an erasure clears the records of customers merged into the person', async () => {
  const [ada, twin] = [await tenant.createPerson(), await tenant.createPerson()];
  const visit = await tenant.create('visit', marked('trillian', ada.id));
  const moved = await tenant.create('visit', marked('trillian', twin.id));
  await tenant.create('bill', { title: 'bill', customerId: twin.id });
  await tenant.merge(ada.id, twin.id);

  expect(await tenant.erase(ada.id)).toMatchObject({ customers: 2, visits: 2 });

  expect(await service.tablesWith('trillian')).toEqual([]);
  expect((await tenant.all('visit')).map(({ id }) => id)).toEqual([visit.id, moved.id]);
  expect(await referredBy('bill')).toEqual([undefined]);
});

test('the export of a person includes the records that refer to them, with their changes', async () => {
  const ada = await tenant.createPerson();
  const [visit, docket] = [
    await tenant.create('visit', marked('x', ada.id)),
    await tenant.create('docket', marked('x', ada.id)),
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
    for await (const piece of modules.privacy.exportPersonalData(sources, new BulkWork({}), ada.id)) read.push(piece);
    return read;
  });

  const data = JSON.parse(Buffer.concat(pieces.map((piece) => Buffer.from(piece.data))).toString()) as {
    visits: object[];
    dockets: object[];
    changes: { type: string; recordId: string }[];
  };
  expect(data).not.toHaveProperty('bills');
  expect(data.visits).toMatchObject([{ id: visit.id, title: 'xtitle', guests: [{ name: 'xguest' }] }]);
  expect(data.dockets).toMatchObject([{ id: docket.id, title: 'xtitle' }]);
  expect(data.changes.map(({ type, recordId }) => `${type} ${recordId}`)).toEqual([
    ...[`customer ${ada.id}`, `visit ${visit.id}`, `docket ${docket.id}`],
  ]);
});

/** The change log of a record: the operations, and its customer after each. */
async function changesOf(id: string): Promise<[operation: string, customerId: string][]> {
  const { rows } = await superuser.query<{ operation: string; customer: string }>(
    `select operation, after ->> 'customer_id' as customer from change_log where record_id = $1 order by position`,
    [id],
  );
  return rows.map(({ operation, customer }) => [operation, customer]);
}
