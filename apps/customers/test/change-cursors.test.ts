import { ChangeOperation, type Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { AppError, Caller } from '@rapport/platform';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { changesOf, Requests, snapshot, subscribe, watch } from './change-feeds.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;
let owner: pg.Client;

// A service of its own: it drops the changes of all tenants, and ends connections of the service.
beforeAll(async () => {
  customers = await RunningCustomers.start();
  owner = new pg.Client(customers.urls.ownerUrl);
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await customers.stop();
});

const list = (caller: Caller, request: { cursor?: string; types?: string[]; fields?: string[]; pageSize?: number }) =>
  customers.call('listChanges', request, caller);

const failure = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error as AppError,
  );

/** Without readers of values, the service buffers none. */
async function forgetValues(): Promise<void> {
  const bare = subscribe(customers, new Requests({ credit: 1 }));
  await bare.next();
  await customers.create(newCaller(), person());
  while ((await bare.next()).value?.changes.length === 0);
  await bare.return();
}

/** Drops every partition of the log except a new one, as time would, and the buffer of the service too. */
async function dropOldChanges(): Promise<void> {
  await owner.query(`update change_log set time = time - interval '2 days'`);
  await owner.query(`select extend_change_log('1 hour')`);
  await owner.query(`select drop_old_changes('1 day', '7 days')`);
  await forgetValues();
}

test('a cursor is valid for its tenant and filter only, and no other token is valid', async () => {
  const [ours, theirs] = [newCaller(), newCaller()];
  await customers.create(ours, person());
  const [change] = await changesOf(customers, ours, 1);
  const cursor = change?.cursor ?? '';
  const { nextPageToken = '' } = await customers.call('listCustomers', { pageSize: 1 }, ours);

  await expect(list(ours, { cursor })).resolves.toMatchObject({ changes: [] });
  const calls: Promise<unknown>[] = [
    list(theirs, { cursor }),
    list(ours, { cursor, types: ['customer'] }),
    list(ours, { cursor, fields: ['emails'] }),
    list(ours, { cursor: `${cursor.slice(0, -8)}AAAAAAAA` }),
    list(ours, { cursor: 'x' }),
    list(ours, { cursor: nextPageToken }),
    watch(customers, theirs, { cursor }).next(),
    subscribe(customers, new Requests({ cursor, credit: 1 })).next(),
  ];
  for (const refusal of await Promise.all(calls.map(failure))) {
    expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', violations: [{ field: 'cursor' }] });
  }
});

test('a reader sees only the changes of its tenant, by any method', async () => {
  const [ours, theirs] = [newCaller(), newCaller()];
  const subscription = subscribe(customers, new Requests({ credit: 10, tenantId: ours.tenantId }));
  await subscription.next();
  for (const caller of [theirs, ours, theirs, ours]) await customers.create(caller, person());
  const subscribed: Change[] = [];
  while (subscribed.length < 2) subscribed.push(...((await subscription.next()).value?.changes ?? []));
  await subscription.return();
  const watching = watch(customers, ours, { cursor: (await list(ours, { pageSize: 1 })).nextCursor });
  await watching.next();
  const watched = await watching.next();
  await watching.return();

  const listed = await changesOf(customers, ours, 2);
  expect(listed.map(({ tenantId }) => tenantId)).toEqual([ours.tenantId, ours.tenantId]);
  expect(watched.value?.change?.tenantId).toBe(ours.tenantId);
  expect(subscribed.map(({ recordId }) => recordId)).toEqual(listed.map(({ recordId }) => recordId));
});

test('a subscriber to one tenant gets changes older than the process’s buffer from an old cursor', async () => {
  const [ours, theirs] = [newCaller(), newCaller()];
  const filter = { tenantId: ours.tenantId, withValues: true };
  const earlier = subscribe(customers, new Requests({ ...filter, credit: 0 }));
  const cursor = (await earlier.next()).value?.cursor ?? '';
  await earlier.return();
  const ids: string[] = [];
  for (const caller of [ours, theirs, ours]) ids.push((await customers.create(caller, person())).id);
  await changesOf(customers, ours, 2);
  await forgetValues();

  const subscription = subscribe(customers, new Requests({ ...filter, cursor, credit: 10 }));
  const changes: unknown[] = [];
  // They come in one message or in several.
  while (changes.length < 2) changes.push(...((await subscription.next()).value?.changes ?? []));
  await subscription.return();

  expect(changes).toMatchObject([
    { tenantId: ours.tenantId, recordId: ids[0], after: { id: ids[0] } },
    { tenantId: ours.tenantId, recordId: ids[2], after: { id: ids[2] } },
  ]);
});

test('small pages of a selective filter contain all its matches, in order', async () => {
  const caller = newCaller();
  const { id } = await customers.create(caller, person());
  await changesOf(customers, caller, 1);
  const fields = ['tags'];
  const { nextCursor: start } = await list(caller, { fields });
  await owner.query('begin');
  await owner.query(`select set_config('app.tenant_id', $1, true)`, [caller.tenantId]);
  for (let change = 1; change <= 60; change += 1) {
    const column = change % 20 === 0 ? `tags = array['${change}']` : `job_title = '${change}'`;
    await owner.query(`update customer set ${column}, version = version + 1 where id = $1`, [id]);
  }
  await owner.query('commit');
  await changesOf(customers, caller, 61);
  await forgetValues();

  const tags: unknown[] = [];
  let [cursor, hasMore, pages] = [start, true, 0];
  while (hasMore) {
    const page = await list(caller, { fields, cursor, pageSize: 1 });
    tags.push(...page.changes.map(({ after }) => (after as Partial<Customer> | undefined)?.tags));
    ({ nextCursor: cursor, hasMore } = page);
    pages += 1;
  }

  expect(tags).toEqual([['20'], ['40'], ['60']]);
  expect(pages).toBeLessThanOrEqual(4);
});

test('a long poll returns as soon as there is a change, and an idle one when its time is over', async () => {
  const caller = newCaller();
  const { nextCursor: cursor } = await list(caller, {});
  // The shortest time that a call can wait.
  const idle = await customers.call('listChanges', { cursor, waitSeconds: 1 }, caller);
  const waiting = customers.call('listChanges', { cursor, waitSeconds: 15 }, caller);
  const { id } = await customers.create(caller, person());

  expect(idle).toMatchObject({ changes: [], hasMore: false });
  expect((await waiting).changes).toMatchObject([{ recordId: id }]);
});

test('only the platform can subscribe', async () => {
  const tenant = newCaller();
  for (const permissions of [tenant.permissions, ['platform.internal']]) {
    const call = subscribe(customers, new Requests({ credit: 1 }), undefined, { ...tenant, permissions }).next();
    expect(await failure(call)).toMatchObject({ code: 'PERMISSION_DENIED' });
  }
});

test('a killed subscriber continues after its last acknowledgement, and misses nothing', async () => {
  const caller = newCaller();
  const names = { consumer: 'killed', tenantId: caller.tenantId };
  const killed = new AbortController();
  const requests = new Requests({ ...names, credit: 100 });
  const first = subscribe(customers, requests, killed.signal);
  await first.next();
  const ids: string[] = [];
  for (let count = 0; count < 4; count += 1) ids.push((await customers.create(caller, person())).id);
  let { value: seen } = await first.next();
  while (seen?.changes.length === 0) ({ value: seen } = await first.next());
  const start = await rememberedPosition('killed');
  requests.say({ acknowledgedCursor: seen?.cursor ?? '' });
  await vi.waitUntil(async () => (await rememberedPosition('killed')) !== start, { timeout: 10_000 });
  killed.abort();
  await failure(first.next());

  const again = subscribe(customers, new Requests({ ...names, credit: 100 }));
  const read = [...(seen?.changes ?? [])];
  while (read.length < ids.length) read.push(...((await again.next()).value?.changes ?? []));
  await again.return();

  expect(read.map(({ recordId }) => recordId)).toEqual(ids);
});

test('a snapshot and the changes after it give the current table, under concurrent writes', async () => {
  const caller = newCaller();
  const ids: string[] = [];
  for (let count = 0; count < 40; count += 1) ids.push((await customers.create(caller, person())).id);
  const writing = Promise.all(Array.from({ length: 6 }, () => writeAtRandom(caller, ids, 40)));
  const records = new Map<string, unknown>();
  let cursor: string | undefined;
  for await (const message of snapshot(customers, caller)) {
    if (message.customer) records.set(message.customer['id'] as string, message.customer);
    cursor = message.cursor;
  }
  await writing;
  const last = await customers.create(caller, person());
  await replay(caller, records, cursor, last.id);
  records.delete(last.id);

  const stored = new Map<string, Customer>();
  for (const id of ids) {
    const customer = await customers.get(caller, id).catch(() => undefined);
    if (customer) stored.set(id, customer);
  }
  const short = (record: unknown) => {
    const { jobTitle, tags } = record as Customer;
    return { jobTitle, tags };
  };
  expect(new Map([...records].map(([id, record]) => [id, short(record)]))).toEqual(
    new Map([...stored].map(([id, record]) => [id, short(record)])),
  );
}, 30_000);

test('a cursor whose changes were dropped is expired, and the error has the start of the log and how to start again', async () => {
  const caller = newCaller();
  const { nextCursor: start } = await list(caller, {});
  const { id } = await customers.create(caller, person());
  await changesOf(customers, caller, 1);
  await owner.query('delete from change_consumer');
  await dropOldChanges();
  await customers.update(caller, id, { jobTitle: 'Analyst' });

  const expired = await failure(list(caller, { cursor: start }));
  const watching = watch(customers, caller, { cursor: start });
  const { oldestCursor = '' } = expired?.metadata ?? {};
  const left = await changesOf(customers, caller, 1, { cursor: oldestCursor });
  const history = await customers.call('listCustomerHistory', { id }, caller);

  expect(expired).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'CURSOR_EXPIRED' });
  expect(expired?.message).toContain('/v1/customers:snapshot');
  // Before the first message, so that REST answers with a problem.
  expect(await failure(watching.next())).toMatchObject({ reason: 'CURSOR_EXPIRED' });
  expect(left).toMatchObject([{ recordId: id, changedFields: ['jobTitle'] }]);
  expect(history.changes).toHaveLength(1);
  await expect(customers.call('getCustomer', { id, asOf: '2026-01-01T00:00:00Z' }, caller)).rejects.toMatchObject({
    reason: 'HISTORY_EXPIRED',
    metadata: { oldestTime: history.oldestTime },
  });
});

test('changes that a live consumer has not read are retained, those of an expired consumer are not', async () => {
  const caller = newCaller();
  const reading = subscribe(customers, new Requests({ consumer: 'slow', credit: 0 }));
  await reading.next();
  await reading.return();
  const { nextCursor: cursor } = await list(caller, {});
  await customers.create(caller, person());
  await changesOf(customers, caller, 1);

  await dropOldChanges();
  const kept = await list(caller, { cursor });
  await owner.query(`update change_consumer set heard_time = now() - interval '8 days'`);
  await dropOldChanges();

  expect(kept.changes).toHaveLength(1);
  expect(await failure(list(caller, { cursor }))).toMatchObject({ reason: 'CURSOR_EXPIRED' });
});

test('every cursor expires when the process connects to another database', async () => {
  const caller = newCaller();
  const { nextCursor: cursor } = await list(caller, {});
  await owner.query(`update change_log_state set incarnation = 'of another database'`);
  await endConnectionOfTail();

  // The process notices within a second or so.
  const watching = watch(customers, caller, { cursor });
  const expired = await failure(
    (async () => {
      for await (const message of watching) if (message.change) break;
    })(),
  );

  expect(expired).toMatchObject({ reason: 'CURSOR_EXPIRED' });
  await expect(list(caller, {})).resolves.toMatchObject({ changes: [] });
});

/** The stored position of a consumer. */
async function rememberedPosition(consumer: string): Promise<string | undefined> {
  const { rows } = await owner.query<{ position: string }>('select position from change_consumer where name = $1', [
    consumer,
  ]);
  return rows[0]?.position;
}

/** As after a restore or a promotion of the standby. */
async function endConnectionOfTail(): Promise<void> {
  const superuser = await customers.connectAsSuperuser();
  const { rowCount } = await superuser.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'rapport-change-tail'`,
  );
  await superuser.end();
  expect(rowCount).toBe(1);
}

async function writeAtRandom(caller: Caller, ids: string[], count: number): Promise<void> {
  for (let write = 0; write < count; write += 1) {
    const id = ids[Math.floor(Math.random() * ids.length)] ?? '';
    const kind = Math.random();
    // A deleted customer can't be changed, and a live one can't be undeleted.
    await (
      kind < 0.7
        ? customers.update(caller, id, { jobTitle: `t${write}`, tags: [`${Math.random()}`] })
        : kind < 0.85
          ? customers.delete(caller, id)
          : customers.call('undeleteCustomer', { id }, caller)
    ).catch(() => undefined);
  }
}

/** Applies changes up to those of a record, like a client that knows only records and changes. */
async function replay(
  caller: Caller,
  records: Map<string, unknown>,
  from: string | undefined,
  lastId: string,
): Promise<void> {
  const gone = new Map<string, unknown>();
  let cursor = from;
  for (;;) {
    const page = await customers.call('listChanges', { cursor, waitSeconds: 20 }, caller);
    for (const { recordId, operation, after } of page.changes) {
      const isWhole = operation === ChangeOperation.CREATE || operation === ChangeOperation.UNDELETE;
      const had = isWhole ? {} : (records.get(recordId) ?? gone.get(recordId) ?? {});
      const record: { deleteTime?: string | null; jobTitle?: string | null } = { ...had, ...after };
      if (record.jobTitle === null) delete record.jobTitle;
      const [to, other] = record.deleteTime ? [gone, records] : [records, gone];
      other.delete(recordId);
      to.set(recordId, record);
    }
    cursor = page.nextCursor;
    if (records.has(lastId)) return;
  }
}
