import type { MikroORM } from '@mikro-orm/postgresql';
import { callContext } from '@rapport/platform';
import pg from 'pg';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { readForTenant, tenantSession, type Statement } from '../src/index.js';
import { asTenant, noteDatabase, tenantWithNotes } from './note-database.js';

let orm: MikroORM;
let superuser: pg.Client;
beforeAll(async () => {
  const { orm: opened, urls } = await noteDatabase();
  orm = opened;
  const url = new URL(inject('superuserUrl'));
  url.pathname = new URL(urls.appUrl).pathname;
  superuser = new pg.Client(url.href);
  await superuser.connect();
});
afterAll(async () => {
  await superuser.end();
  await orm.close();
});

const notes: Statement = { name: 'notes_seen', sql: 'select text, pg_backend_pid() as pid from note', isQuick: true };

/** A slow statement. */
const sleep: Statement = { name: 'sleep', sql: 'select pg_sleep($1)', values: [30], isQuick: true };

/** The connection to the database that sleeps, if there is one. */
const sleeping = `pg_stat_activity where datname = current_database() and state = 'active' and query like '%select pg_sleep($1)%'
  and pid <> pg_backend_pid()`;

/** Waits until nothing else holds the advisory lock 1. */
const waitForLock: Statement = {
  name: 'wait_for_lock',
  sql: 'select pg_advisory_xact_lock_shared(1) is null as is_locked',
  isQuick: true,
};

const waiting = `pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;

/** A quick read with a different outcome for each value: 0 fails. */
function quotient(value: number): Statement {
  return { name: 'quotient', sql: 'select 12 / $1::int as quotient', values: [value], isQuick: true };
}

function read<Row extends object>(tenantId: string, statement: Statement): Promise<Row[]> {
  return asTenant(orm, tenantId, (em) => readForTenant<Row>(em, statement));
}

/** Reads in a call of its own tenant. */
function readInCall(statement: Statement, gone = new AbortController().signal): Promise<object[]> {
  const caller = { tenantId: v7(), principalId: 'apiKey:test', permissions: [] };
  const em = orm.em.fork({ session: tenantSession(caller.tenantId) });
  return callContext.run({ requestId: v7(), caller, gone }, () => readForTenant(em, statement));
}

async function count(activity: string): Promise<number | null> {
  return (await superuser.query(`select from ${activity}`)).rowCount;
}

describe('quick reads that share a connection', () => {
  test('each see the rows of their own tenant, and use at most two connections', async () => {
    const tenants = await Promise.all(Array.from({ length: 10 }, () => tenantWithNotes(orm, 1)));
    const asked = Array.from({ length: 200 }, (_, index) => tenants[index % tenants.length] ?? '');
    const seen = await Promise.all(asked.map((tenant) => read<{ text: string; pid: number }>(tenant, notes)));

    expect(seen.map((rows) => rows.map(({ text }) => text))).toEqual(asked.map((tenant) => [tenant]));
    expect(new Set(seen.flat().map(({ pid }) => pid)).size).toBeLessThanOrEqual(2);
    expect(await readForTenant(orm.em.fork(), notes)).toEqual([]);
  });

  test('may each have settings, which hold for that read alone', async () => {
    const [tenant, other] = await Promise.all([tenantWithNotes(orm, 1), tenantWithNotes(orm, 1)]);
    const seen: Statement = {
      name: 'notes_with_setting',
      sql: "select text, pg_backend_pid() as pid, current_setting('enable_sort') as sorts from note",
      isQuick: true,
    };
    const reads = [tenant, other, tenant].map((tenantId, index) =>
      asTenant(orm, tenantId, (em) =>
        readForTenant<{ pid: number }>(em, seen, index === 1 ? { enable_sort: 'off' } : {}),
      ),
    );
    const rows = (await Promise.all(reads)).flat();

    expect(rows).toMatchObject([
      { text: tenant, sorts: 'on' },
      { text: other, sorts: 'off' },
      { text: tenant, sorts: 'on' },
    ]);
    expect(new Set(rows.map(({ pid }) => pid)).size).toBe(1);
  });

  test('fail alone', async () => {
    const tenant = v7();
    const outcomes = await Promise.allSettled([3, 0, 4, 0, 6].map((value) => read(tenant, quotient(value))));

    expect(outcomes).toMatchObject([
      { status: 'fulfilled', value: [{ quotient: 4 }] },
      { status: 'rejected', reason: { code: '22012' } },
      { status: 'fulfilled', value: [{ quotient: 3 }] },
      { status: 'rejected', reason: { code: '22012' } },
      { status: 'fulfilled', value: [{ quotient: 2 }] },
    ]);
  });

  test('of a busy tenant take turns with those of others', async () => {
    const [busy, other] = [v7(), v7()];
    const order: string[] = [];
    const note = (tenant: string) => read(tenant, quotient(1)).then(() => order.push(tenant));
    await Promise.all([...Array.from({ length: 300 }, () => note(busy)), note(other)]);

    // Behind those of the first write, and of one more that may be in flight.
    expect(order.indexOf(other)).toBeLessThan(100);
  });

  test('fail when their connection is lost, and those after them do not', async () => {
    const tenant = v7();
    const lost = Promise.allSettled([read(tenant, sleep), read(tenant, quotient(1))]);
    await expect
      .poll(async () => (await superuser.query(`select pg_terminate_backend(pid) from ${sleeping}`)).rowCount)
      .toBe(1);
    expect((await lost).map(({ status }) => status)).toEqual(['rejected', 'rejected']);

    expect(await read(tenant, quotient(2))).toEqual([{ quotient: 6 }]);
  });

  test('are not sent when their client has gone while they waited for a connection', async () => {
    await superuser.query('select pg_advisory_lock(1)');
    const blocked = [];
    // Sequentially, so that each takes its own connection.
    for (const connections of [1, 2]) {
      blocked.push(readInCall(waitForLock));
      await expect.poll(() => count(waiting)).toBe(connections);
    }
    const gone = new AbortController();
    const left = expect(readInCall(quotient(3), gone.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    const kept = readInCall(quotient(4));
    gone.abort();
    await superuser.query('select pg_advisory_unlock(1)');

    await left;
    expect(await kept).toEqual([{ quotient: 3 }]);
    await Promise.all(blocked);
  });

  test('retain their connection when the client of one of them has gone', async () => {
    await superuser.query('select pg_advisory_lock(1)');
    const gone = new AbortController();
    const reads = [readInCall(waitForLock, gone.signal), readInCall(quotient(4))];
    await expect.poll(() => count(waiting)).toBe(1);
    gone.abort();
    await superuser.query('select pg_advisory_unlock(1)');

    expect(await Promise.all(reads)).toEqual([[{ is_locked: false }], [{ quotient: 3 }]]);
  });

  test('end with their connection when the clients of all of them have gone', async () => {
    const calls = [new AbortController(), new AbortController()];
    const left = Promise.allSettled(calls.map(({ signal }) => readInCall(sleep, signal)));
    await expect.poll(() => count(sleeping)).toBe(1);
    for (const call of calls) call.abort();

    const ended = { status: 'rejected', reason: { message: 'Connection terminated' } };
    expect(await left).toMatchObject([ended, ended]);
    await expect.poll(() => count(sleeping)).toBe(0);
  });
});
