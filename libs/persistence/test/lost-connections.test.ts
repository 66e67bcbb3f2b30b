import type { MikroORM } from '@mikro-orm/postgresql';
import { AnswerSwallower, queryDatabase } from '@rapport/testing';
import type { Pool } from 'pg';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { callErrorOf, createOrm } from '../src/index.js';
import { stagePool } from '../src/driver/stage-pool.js';
import { emptyDatabase, entities } from './note-database.js';

let server: AnswerSwallower;
let orm: MikroORM;

beforeEach(async () => {
  server = new AnswerSwallower(new URL((await emptyDatabase()).appUrl));
  const databaseUrl = await server.listen();
  orm = createOrm(
    { databaseUrl, entities },
    {
      pool: { min: 0, max: 2 },
      driverOptions: {
        connectionString: databaseUrl,
        connectionTimeoutMillis: 1_000,
        // Timeout of a frozen server, which each test of one takes.
        query_timeout: 300,
        onPoolCreated: (pool: Pool) => stagePool(pool),
      },
    },
  );
});
// Would hang while a connection is missing from the pool.
afterEach(async () => {
  await orm.close();
  server.close();
});

function inTransaction(sql: string): Promise<unknown> {
  return orm.em.fork().transactional((em) => em.execute(sql));
}

test.each([
  ['the server ends', 'select pg_terminate_backend(pg_backend_pid())'],
  ['times out', 'select pg_sleep(30)'],
])('the pool gets back what %s', async (_name, sql) => {
  for (let lost = 0; lost < 3; lost += 1) await expect(inTransaction(sql)).rejects.toThrow();

  // Each would wait in vain for a missing connection.
  await Promise.all([inTransaction('select 1'), inTransaction('select 1')]);
});

test('the pool gets back what a frozen server keeps, once the server answers again', async () => {
  const both = async () => {
    const outcomes = await Promise.allSettled([inTransaction('select 1'), inTransaction('select 1')]);
    return outcomes.map(({ status }) => status);
  };
  await both();
  server.isFrozen = true;
  expect(await both()).toEqual(['rejected', 'rejected']);

  server.isFrozen = false;

  // They wait for their places.
  expect(await both()).toEqual(['fulfilled', 'fulfilled']);
  // Nor does a frozen server hold up the end of the pool.
  server.isFrozen = true;
  await both();
});

test('a password that was changed since the start is an unavailable database, not an unexpected error', async () => {
  const { appUrl: databaseUrl } = await emptyDatabase();
  await queryDatabase(inject('superuserUrl'), `alter role ${new URL(databaseUrl).username} password 'changed'`);
  const outdated = createOrm({ databaseUrl, entities });
  const failed = await outdated.em
    .fork()
    .execute('select 1')
    .catch((error: unknown) => error);
  await outdated.close();

  expect(failed).toMatchObject({ code: '28P01' });
  expect(callErrorOf(failed)).toMatchObject({ code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE' });
});

test('while the server refuses new connections, calls wait for those that are open', async () => {
  const { appUrl: databaseUrl } = await emptyDatabase();
  const asSuperuser = (sql: string) => queryDatabase(inject('superuserUrl'), sql);
  const changed = createOrm({ databaseUrl, entities });
  const run = (sql: string) => changed.em.fork().transactional((em) => em.execute(sql));
  await run('select 1');
  await asSuperuser(`alter role ${new URL(databaseUrl).username} password 'changed'`);

  // The first one holds the only connection until the others wait for it.
  const pool = await changed.em.getConnection().getNativeClient();
  const first = changed.em.fork().transactional(async (em) => {
    await em.execute('select 1');
    await expect.poll(() => pool.waitingCount).toBe(5);
  });
  await expect.poll(() => pool.idleCount).toBe(0);
  const others = Array.from({ length: 5 }, () => run('select 1'));
  expect((await Promise.allSettled([first, ...others])).map(({ status }) => status)).toEqual(
    Array(6).fill('fulfilled'),
  );

  await asSuperuser(
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${new URL(databaseUrl).username}'`,
  );
  await expect.poll(() => run('select 1').catch((error: unknown) => error)).toMatchObject({ code: '28P01' });
  await asSuperuser(`alter role ${new URL(databaseUrl).username} password '${new URL(databaseUrl).password}'`);
  await expect
    .poll(() => Promise.allSettled([run('select 1'), run('select 2')]))
    .toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }]);
  await changed.close();
});
