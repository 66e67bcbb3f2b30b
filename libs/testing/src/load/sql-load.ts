import pg from 'pg';
import { v7 } from 'uuid';
import type { LoadResult, SqlPlan } from './load-plan.js';
import { runLanes, type Lane } from './run-lanes.js';

/** Sends one named statement through a pool of plain `pg`, autocommitted. Connections are open before the clock starts. */
export async function loadBySql(plan: SqlPlan): Promise<LoadResult> {
  const { atOnce, connections = atOnce, url, tenantId } = plan;
  const pool = new pg.Pool({ connectionString: url, max: connections, options: `-c app.tenant_id=${tenantId}` });
  try {
    const clients = await Promise.all(Array.from({ length: connections }, () => pool.connect()));
    for (const client of clients) client.release();
    const lanes = Array.from({ length: atOnce }, () => laneOf(pool, plan));
    return await runLanes(lanes, plan);
  } finally {
    await pool.end();
  }
}

function laneOf(pool: pg.Pool, { text, values }: SqlPlan): Lane {
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
