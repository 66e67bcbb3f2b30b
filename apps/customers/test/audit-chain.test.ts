import { setTimeout as delay } from 'node:timers/promises';
import { AuditFault_Reason, type AuditFault } from '@rapport/contracts/rapport/api/v1/audit';
import type { Caller } from '@rapport/platform';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Sequencer } from '../src/changes/sequencer.js';
import { verifyAll } from './audit-command.js';
import { newCaller, RunningCustomers } from './running-customers.js';
import { superuserOf } from './superuser.js';

const writers = 8;
const count = 10_000;
const perTransaction = 125;
const kept = ['audit_chain', 'audit_entry', 'audit_head', 'change_log_0'];

let customers: RunningCustomers;
let superuser: pg.Client;
let caller: Caller;
let killed = 0;

// A service of its own: it kills sequencers, and tampers with the log of all tenants.
beforeAll(async () => {
  customers = await RunningCustomers.start();
  superuser = await superuserOf(customers.urls.ownerUrl);
  caller = newCaller();
  const writing = { isOver: false };
  const killing = killSequencers(writing);
  const others = [1, 2].map(() => new Sequencer(customers.urls.appUrl, 30));
  for (const other of others) other.onApplicationBootstrap();
  await Promise.all(Array.from({ length: writers }, () => write(count / writers)));
  writing.isOver = true;
  killed = await killing;
  await vi.waitUntil(async () => (await entryCount()) === count, { timeout: 30_000 });
  await Promise.all(others.map((other) => other.onApplicationShutdown()));
  await customers.call('signAuditHead', {}, caller);
  for (const table of kept) await superuser.query(`create table kept_${table} as table ${table}`);
}, 180_000);
afterEach(async () => {
  for (const table of kept) {
    await superuser.query(`truncate ${table}`);
    await superuser.query(`insert into ${table} table kept_${table}`);
  }
});
afterAll(async () => {
  await superuser.end();
  await customers.stop();
});

async function entryCount(): Promise<number | undefined> {
  const { rows } = await superuser.query<{ count: number }>('select count(*)::int as count from audit_entry');
  return rows[0]?.count;
}

async function faultNow(range = {}): Promise<{ fault: AuditFault | undefined; last: number | undefined }> {
  const { fault, end } = await customers.call('verifyAuditEntries', { range }, caller);
  return { fault, last: end?.number };
}

test('8 parallel writers and 3 sequencers, of which some are killed, make one chain without forks of 10,000 entries', async () => {
  expect(killed).toBeGreaterThan(0);
  expect(await faultNow()).toEqual({ fault: undefined, last: count });
  const { rows } = await superuser.query(
    `select count(*)::int as entries, count(distinct previous_hash)::int as followed,
       (select count(distinct name)::int from audit_entry, unnest(records) as name) as records
     from audit_entry where tenant_id = $1`,
    [caller.tenantId],
  );
  expect(rows).toEqual([{ entries: count, followed: count, records: count }]);
});

describe('the service names the first bad entry of 10,000 after a', () => {
  const entry = 'from audit_entry where tenant_id = $1 and number';
  test.each<[string, string[], number, keyof typeof AuditFault_Reason]>([
    ['change', [`update audit_entry set actor = 'apiKey:2' where tenant_id = $1 and number = 5000`], 5_000, 'CHANGED'],
    ['delete', [`delete ${entry} = 7000`], 7_000, 'MISSING'],
    [
      'insert',
      [
        `update audit_entry set number = -number where tenant_id = $1 and number > 3000`,
        `update audit_entry set number = 1 - number where tenant_id = $1 and number < 0`,
        `insert into audit_entry select tenant_id, 3001, time, kind, actor, origin, request_id, causation_id, records,
           operations, versions, detail, hash, hash ${entry} = 3000`,
      ],
      3_001,
      'CHANGED',
    ],
    [
      'swap',
      [
        `update audit_entry set number = -number where tenant_id = $1 and number in (4000, 6000)`,
        `update audit_entry set number = 10000 + number where tenant_id = $1 and number < 0`,
      ],
      4_000,
      'CHANGED',
    ],
    ['cut of the tail', [`delete ${entry} > 9990`], 9_991, 'MISSING'],
    [
      'cut of the tail and of the end of the chain',
      [
        `delete ${entry} > 9990`,
        `update audit_chain c set number = e.number, hash = e.hash from audit_entry e
         where c.tenant_id = $1 and e.tenant_id = $1 and e.number = 9990`,
      ],
      9_991,
      'MISSING',
    ],
    [
      'change of what the log has',
      [
        `update change_log set after = '{"display_name":"y"}' where tenant_id = $1 and position =
           (select (detail::json ->> 'firstPosition')::bigint ${entry} = 800)`,
      ],
      800,
      'OTHER_CHANGES',
    ],
    [
      'delete in the log',
      [
        `delete from change_log where tenant_id = $1 and position =
           (select (detail::json ->> 'firstPosition')::bigint ${entry} = 9000)`,
      ],
      9_000,
      'OTHER_CHANGES',
    ],
  ])('%s', async (_, statements, number, reason) => {
    for (const statement of statements) await superuser.query(statement, [caller.tenantId]);

    expect(await faultNow()).toEqual({ fault: { number, reason: AuditFault_Reason[reason] }, last: number - 1 });
  });
});

test('who kept a head notices that the tail was cut with everything that told of it', async () => {
  const [head] = (await customers.call('listAuditHeads', {}, caller)).heads;
  await superuser.query(`delete from audit_head where tenant_id = $1`, [caller.tenantId]);
  await superuser.query(`delete from audit_entry where tenant_id = $1 and number > 9000`, [caller.tenantId]);
  await superuser.query(
    `update audit_chain c set number = e.number, hash = e.hash from audit_entry e
     where c.tenant_id = $1 and e.tenant_id = $1 and e.number = 9000`,
    [caller.tenantId],
  );

  expect(await faultNow()).toEqual({ fault: undefined, last: 9_000 });
  expect(await faultNow({ head })).toEqual({
    fault: { number: 9_001, reason: AuditFault_Reason.MISSING },
    last: 9_000,
  });
});

test("the operator's command exits with 1 and names the tenant and the first bad entry", async () => {
  const sound = await verifyAll(customers);
  await superuser.query(`delete from audit_entry where tenant_id = $1 and number = 42`, [caller.tenantId]);
  const broken = await verifyAll(customers);

  expect(sound).toEqual({ exitCode: 0, lines: [{ tenantId: caller.tenantId, isSound: true, entries: count }] });
  expect(broken).toEqual({
    exitCode: 1,
    lines: [{ tenantId: caller.tenantId, isSound: false, entries: 41, number: 42, reason: 'MISSING' }],
  });
});

/** Changes as the service writes them, each of a request of its own. */
async function write(changes: number): Promise<void> {
  const app = new pg.Client(customers.urls.appUrl);
  await app.connect();
  for (let done = 0; done < changes; done += perTransaction) {
    await app.query('begin');
    await app.query(`select set_config('app.tenant_id', $1, true)`, [caller.tenantId]);
    await app.query(`
      do $$ begin
        for n in 1 .. ${perTransaction} loop
          perform set_config('app.call', '{"actor":"${caller.principalId}","requestId":"' || gen_random_uuid() || '"}', true);
          insert into customer (tenant_id, id, kind, display_name, emails, phones, addresses, external_ids, domains, tags,
            search_text, sort_name, version, create_time, update_time, created_by, updated_by)
          values ('${caller.tenantId}', gen_random_uuid(), 'PERSON', 'x', '[]', '[]', '[]', '[]', '{}', '{}', 'x', 'x', 1,
            now(), now(), 'test', 'test');
        end loop;
      end $$`);
    await app.query('commit');
  }
  await app.end();
}

/** Ends the connections of sequencers, wherever they are in their work. @returns how many */
async function killSequencers(writing: { isOver: boolean }): Promise<number> {
  let count = 0;
  while (!writing.isOver) {
    await delay(Math.random() * 200);
    const { rowCount } = await superuser.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'rapport-sequencer' and random() < 0.5`,
    );
    count += rowCount ?? 0;
  }
  return count;
}
