import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { changesOf } from './change-feeds.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;
let owner: pg.Client;
/** Like three processes of the service. */
let apps: [pg.Client, pg.Client, pg.Client];

// A service of its own: it drops the changes of all tenants.
beforeEach(async () => {
  customers = await RunningCustomers.start();
  owner = new pg.Client(customers.urls.ownerUrl);
  const app = () => new pg.Client(customers.urls.appUrl);
  apps = [app(), app(), app()];
  await Promise.all([owner, ...apps].map((client) => client.connect()));
  // The service creates partitions itself after its first pass: the next one follows that.
  await change();
  await changeLongAgo();
});
afterEach(async () => {
  await Promise.all([owner, ...apps].map((client) => client.end()));
  await customers.stop();
});

const extend = `select extend_change_log('1 day')`;
const bytesOfLog = 'select change_log_bytes()::int as bytes';
const drop = `select drop_old_changes('1 day', '7 days') as dropped`;

test('one of two processes that create a partition at once succeeds, and the other has nothing to do', async () => {
  const [holder, first, second] = apps;
  await holder.query('begin; select lock_change_log()');
  const both = Promise.all([first.query(extend), second.query(extend)]);
  await waitingForLock(2);
  await holder.query('commit');
  await both;

  expect(await partitions()).toEqual(['change_log_0', 'change_log_1']);
});

test('changes for a consumer that registered while dropping waited for its lock are retained', async () => {
  const [holder, dropping] = apps;
  await dropping.query(extend);
  await holder.query('begin; select lock_change_log()');
  const dropped = dropping.query(drop);
  await waitingForLock(1);
  await owner.query(`insert into change_consumer values ('new', 'any', 0, now())`);
  await holder.query('commit');

  expect((await dropped).rows).toEqual([{ dropped: 0 }]);
  expect(await partitions()).toEqual(['change_log_0', 'change_log_1']);
});

test('an open snapshot delays only the dropping of changes', async () => {
  const [snapshot, sequencer] = apps;
  await snapshot.query('begin isolation level repeatable read read only; select change_log_end()');
  await sequencer.query(extend);
  const during = await sequencer.query(drop);
  await changeLongAgo();
  await snapshot.query('commit');
  const after = await sequencer.query(drop);

  expect(during.rows).toEqual([{ dropped: 0 }]);
  expect(after.rows).toEqual([{ dropped: 1 }]);
  expect(await partitions()).toEqual(['change_log_1']);
});

test('a partition begins when the newest takes too many bytes, and the oldest go while the log takes too many', async () => {
  const [sequencer] = apps;
  const begun = [await extendBeyond(1)];
  for (let more = 0; more < 2; more += 1) {
    await changeLongAgo();
    begun.push(await extendBeyond(1));
  }
  const [{ bytes } = { bytes: 0 }] = (await sequencer.query<{ bytes: number }>(bytesOfLog)).rows;

  expect([begun, await extendBeyond(bytes)]).toEqual([[true, true, true], false]);
  expect(await dropAbove(null)).toEqual({ dropped: 0, early: 0 });
  expect(await dropAbove(bytes)).toEqual({ dropped: 0, early: 0 });
  expect(await dropAbove(bytes - 1)).toEqual({ dropped: 1, early: 1 });
  expect(await partitions()).toEqual(['change_log_1', 'change_log_2', 'change_log_3']);
});

test('neither changes of the last hour go for the bytes of the log, nor those that a live consumer has not read', async () => {
  await extendBeyond(1);
  await changeLongAgo();
  await extendBeyond(1);
  await owner.query(`insert into change_consumer values ('slow', 'any', 0, now())`);
  expect(await dropAbove(1)).toEqual({ dropped: 0, early: 0 });
  await owner.query('delete from change_consumer');
  await owner.query(`update change_log_1 set time = now() - interval '59 minutes'`);

  expect(await dropAbove(1)).toEqual({ dropped: 1, early: 1 });
  expect(await partitions()).toEqual(['change_log_1', 'change_log_2']);
});

async function extendBeyond(largest: number): Promise<boolean | undefined> {
  const sql = `select extend_change_log('9 days', $1) as begun`;
  return (await apps[0].query<{ begun: boolean }>(sql, [largest])).rows[0]?.begun;
}

async function dropAbove(mostBytes: number | null): Promise<unknown> {
  const sql = `select dropped, early from drop_old_changes('30 days', '7 days', $1)`;
  return (await apps[0].query(sql, [mostBytes])).rows[0];
}

async function change(): Promise<void> {
  const caller = newCaller();
  await customers.create(caller, person());
  await changesOf(customers, caller, 1);
}

async function changeLongAgo(): Promise<void> {
  await change();
  await owner.query(`update change_log set time = time - interval '2 days'`);
}

async function partitions(): Promise<string[]> {
  const { rows } = await owner.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'change_log'::regclass order by 1`,
  );
  return rows.map(({ name }) => name);
}

async function waitingForLock(count: number): Promise<void> {
  for (;;) {
    const { rows } = await owner.query<{ waiting: number }>(
      `select count(*)::int as waiting from pg_locks join pg_stat_activity using (pid)
       where locktype = 'advisory' and not granted and application_name = ''
         and pg_locks.database = (select oid from pg_database where datname = current_database())`,
    );
    if ((rows[0]?.waiting ?? 0) >= count) return;
  }
}
