import type { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createOrm } from '../src/index.js';
import { stagePool } from '../src/driver/stage-pool.js';
import { emptyDatabase, entities } from './note-database.js';

let orm: MikroORM;

beforeEach(async () => {
  const { appUrl } = await emptyDatabase();
  orm = createOrm(
    { databaseUrl: appUrl, entities },
    {
      pool: { min: 0, max: 2 },
      driverOptions: {
        connectionString: appUrl,
        connectionTimeoutMillis: 1_000,
        // Timeout of a frozen server, which each test of one takes.
        query_timeout: 300,
        onPoolCreated: (pool: Pool) => stagePool(pool),
      },
    },
  );
});
// Would hang while a connection is missing from the pool.
afterEach(() => orm.close());

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
