import { AuditFault_Reason, type AuditFault } from '@rapport/contracts/rapport/api/v1/audit';
import type { Caller } from '@rapport/platform';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { Sequencer } from '../src/engine/changes/log/sequencer.js';
import { verifyAll } from './audit-command.js';
import { newCaller, RunningCustomers } from './running-customers.js';
import { superuserOf } from './superuser.js';

const writers = 8;
const perTransaction = 25;
/** Entries of the chain: this many transactions per writer, with this many changes each. */
const count = sizeOf('AUDIT_TRANSACTIONS', { short: 10, long: 500 }) * writers * perTransaction;
const kills = sizeOf('AUDIT_KILLS', { short: 5, long: 100 });
const random = new SeedRandom(printedSeed('audit-chain'));
/** A random number of an entry. */
const at = (part: number) => Math.round(count * part);
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
  const killing = killSequencers();
  const others = [1, 2].map(() => new Sequencer(customers.urls.appUrl, { days: 30 }));
  for (const other of others) other.onApplicationBootstrap();
  await Promise.all(Array.from({ length: writers }, () => write(count / writers)));
  killed = await killing;
  await vi.waitUntil(async () => (await entryCount()) === count, { timeout: soakTimeoutMs });
  printTally('audit-chain', { entries: count, kills: killed });
  await Promise.all(others.map((other) => other.onApplicationShutdown()));
  await customers.call('signAuditHead', {}, caller);
  for (const table of kept) await superuser.query(`create table kept_${table} as table ${table}`);
}, soakTimeoutMs);
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

test(`8 parallel writers and 3 sequencers, with ${kills} kills, build one chain of ${count} entries without forks`, async () => {
  expect(killed).toBe(kills);
  expect(await faultNow()).toEqual({ fault: undefined, last: count });
  const { rows } = await superuser.query(
    `select count(*)::int as entries, count(distinct previous_hash)::int as followed,
       (select count(distinct name)::int from audit_entry, unnest(records) as name) as records
     from audit_entry where tenant_id = $1`,
    [caller.tenantId],
  );
  expect(rows).toEqual([{ entries: count, followed: count, records: count }]);
});

describe(`the service reports the first invalid entry of ${count} after a`, () => {
  const entry = 'from audit_entry where tenant_id = $1 and number';
  test.each<[string, string[], number, keyof typeof AuditFault_Reason]>([
    [
      'change',
      [`update audit_entry set actor = 'apiKey:2' where tenant_id = $1 and number = ${at(0.5)}`],
      at(0.5),
      'CHANGED',
    ],
    ['delete', [`delete ${entry} = ${at(0.7)}`], at(0.7), 'MISSING'],
    [
      'insert',
      [
        `update audit_entry set number = -number where tenant_id = $1 and number > ${at(0.3)}`,
        `update audit_entry set number = 1 - number where tenant_id = $1 and number < 0`,
        `insert into audit_entry select tenant_id, ${at(0.3) + 1}, time, kind, actor, origin, request_id, causation_id, records,
           operations, versions, detail, hash, hash ${entry} = ${at(0.3)}`,
      ],
      at(0.3) + 1,
      'CHANGED',
    ],
    [
      'swap',
      [
        `update audit_entry set number = -number where tenant_id = $1 and number in (${at(0.4)}, ${at(0.6)})`,
        `update audit_entry set number = ${count} + number where tenant_id = $1 and number < 0`,
      ],
      at(0.4),
      'CHANGED',
    ],
    ['truncation', [`delete ${entry} > ${count - 10}`], count - 9, 'MISSING'],
    [
      'truncation of the chain and its end marker',
      [
        `delete ${entry} > ${count - 10}`,
        `update audit_chain c set number = e.number, hash = e.hash from audit_entry e
         where c.tenant_id = $1 and e.tenant_id = $1 and e.number = ${count - 10}`,
      ],
      count - 9,
      'MISSING',
    ],
    [
      'change in the log',
      [
        `update change_log set after = '{"display_name":"y"}' where tenant_id = $1 and position =
           (select (detail::json ->> 'firstPosition')::bigint ${entry} = ${at(0.08)})`,
      ],
      at(0.08),
      'OTHER_CHANGES',
    ],
    [
      'delete in the log',
      [
        `delete from change_log where tenant_id = $1 and position =
           (select (detail::json ->> 'firstPosition')::bigint ${entry} = ${at(0.9)})`,
      ],
      at(0.9),
      'OTHER_CHANGES',
    ],
  ])('%s', async (_, statements, number, reason) => {
    for (const statement of statements) await superuser.query(statement, [caller.tenantId]);

    expect(await faultNow()).toEqual({ fault: { number, reason: AuditFault_Reason[reason] }, last: number - 1 });
  });
});

test('a stored head detects a truncation that also removed every trace of it', async () => {
  const [head] = (await customers.call('listAuditHeads', {}, caller)).heads;
  await superuser.query(`delete from audit_head where tenant_id = $1`, [caller.tenantId]);
  await superuser.query(`delete from audit_entry where tenant_id = $1 and number > $2`, [caller.tenantId, at(0.9)]);
  await superuser.query(
    `update audit_chain c set number = e.number, hash = e.hash from audit_entry e
     where c.tenant_id = $1 and e.tenant_id = $1 and e.number = $2`,
    [caller.tenantId, at(0.9)],
  );

  expect(await faultNow()).toEqual({ fault: undefined, last: at(0.9) });
  expect(await faultNow({ head })).toEqual({
    fault: { number: at(0.9) + 1, reason: AuditFault_Reason.MISSING },
    last: at(0.9),
  });
});

test("the operator's command exits with 1 and reports the tenant and the first invalid entry", async () => {
  const sound = await verifyAll(customers);
  await superuser.query(`delete from audit_entry where tenant_id = $1 and number = 42`, [caller.tenantId]);
  const broken = await verifyAll(customers);

  expect(sound).toEqual({ exitCode: 0, lines: [{ tenantId: caller.tenantId, isSound: true, entries: count }] });
  expect(broken).toEqual({
    exitCode: 1,
    lines: [{ tenantId: caller.tenantId, isSound: false, entries: 41, number: 42, reason: 'MISSING' }],
  });
});

/** Changes as the service writes them, each from a request of its own. */
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

/** Ends connections of sequencers one by one, each after some more entries, at any point of their work. */
async function killSequencers(): Promise<number> {
  let done = 0;
  while (done < kills) {
    const next = at((done + random.next()) / (kills + 1));
    await vi.waitUntil(async () => (await entryCount())! >= next, { timeout: soakTimeoutMs, interval: 5 });
    const { rowCount } = await superuser.query(
      `select pg_terminate_backend(pid) from (
         select pid from pg_stat_activity
         where datname = current_database() and application_name = 'rapport-sequencer' order by random() limit 1) victim`,
    );
    done += rowCount ?? 0;
  }
  return done;
}
