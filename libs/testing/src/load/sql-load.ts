import pg from 'pg';
import { v7 } from 'uuid';
import type { LoadResult, SqlPlan } from './load-plan.js';
import { runSenders, type Sender } from './run-senders.js';

/** Sends one named statement through a pool of plain `pg`, autocommitted. Connections are open before the clock starts. */
export async function loadBySql(plan: SqlPlan): Promise<LoadResult> {
  const { atOnce, connections = atOnce, url, tenantId } = plan;
  const pool = new pg.Pool({ connectionString: url, max: connections, options: `-c app.tenant_id=${tenantId}` });
  try {
    const clients = await Promise.all(Array.from({ length: connections }, () => pool.connect()));
    for (const client of clients) client.release();
    const senders = Array.from({ length: atOnce }, () => senderOf(pool, plan));
    return await runSenders(senders, plan);
  } finally {
    await pool.end();
  }
}

function senderOf(pool: pg.Pool, { text, values }: SqlPlan): Sender {
  return (index, done) => {
    const uuid = v7();
    const bound = values[index % values.length]?.map((value) => value?.replaceAll('{uuid}', uuid) ?? null);
    pool.query({ name: 'load', text, values: bound }).then(
      () => done(200),
      (error: unknown) => {
        console.error(error);
        done(0);
      },
    );
  };
}
