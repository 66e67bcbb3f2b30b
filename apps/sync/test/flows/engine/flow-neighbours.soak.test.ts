import { isSoak, percentile, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CutProcess } from '../kills/cut-process.ts';
import { create, FlowEngine } from './flow-engine.ts';

const waiting = sizeOf('NEIGHBOUR_WAITING', { short: 1_000, long: 1_000_000 });
const storm = sizeOf('NEIGHBOUR_STORM', { short: 30, long: 8_000 });
const others = sizeOf('NEIGHBOUR_COUNT', { short: 2, long: 20 });
const wakes = sizeOf('NEIGHBOUR_WAKES', { short: 1, long: 60 });

let engine: FlowEngine;
let second: CutProcess;

beforeAll(async () => {
  engine = await FlowEngine.start();
  second = new CutProcess(engine.urls.appUrl, engine.parts, undefined);
});
afterAll(async () => {
  await second.stop();
  await engine.stop();
});

test(
  'a tenant with many waiting runs and a storm of due ones delays no wake-up of another tenant',
  async () => {
    const flow = await engine.flow('many', { steps: [{ key: 'wait', wait: { seconds: 86_400 } }] });
    for (let made = 0; made < waiting; made += 50_000) await insertWaiting(flow, Math.min(50_000, waiting - made));
    await engine.query('vacuum analyze flow_job, flow_run');
    engine.work();
    await second.start();
    const calm = await lateness();

    const items = Array.from({ length: 20 }, (_, item) => item);
    const steps = [{ key: 'each', for: { in: JSON.stringify(items), steps: [create('made')] } }];
    const stormy = await engine.flow('storm', { steps });
    for (let begun = 0; begun < storm; begun += 500) {
      await engine.begin(Array.from({ length: Math.min(500, storm - begun) }, () => engine.newRun(stormy)));
    }
    const amid = await lateness();
    const [left] = await engine.query<{ count: number }>(
      `select count(*)::int as count from flow_run where flow_id = $1 and state = 'RUNNING'`,
      [stormy.flowId],
    );
    printTally('flow-neighbours', {
      waiting,
      storm,
      stormLeft: left?.count ?? 0,
      others,
      wakes,
      ...named('calm', calm),
      ...named('amid', amid),
    });
    if (isSoak) expect(amid.p99Ms).toBeLessThanOrEqual(1_000);
  },
  soakTimeoutMs,
);

function named(name: string, figures: object): object {
  return Object.fromEntries(Object.entries(figures).map(([key, value]) => [`${name} ${key}`, value as unknown]));
}

/** How long after their time the waits of other tenants end. */
async function lateness(): Promise<{ p50Ms: number; p95Ms: number; p99Ms: number; maxMs: number }> {
  const tenants = await Promise.all(
    Array.from({ length: others }, async () => {
      const tenantId = uuidv7();
      const wait = { key: 'wait', wait: { until: "now + duration('0.5s')" } };
      const loop = { key: 'loop', for: { in: 'input.list', steps: [wait] } };
      const list = Array.from({ length: wakes }, (_, index) => index);
      await engine.run(await engine.flow('calm', { steps: [loop] }, { tenantId }), { values: { input: { list } } });
      return tenantId;
    }),
  );
  const states = () =>
    engine.query('select distinct state, end_time is not null as has_ended from flow_run where tenant_id = any ($1)', [
      tenants,
    ]);
  const patience = { timeout: soakTimeoutMs, interval: 100 };
  await expect.poll(async () => JSON.stringify(await states()), patience).not.toContain('false');
  expect(await states()).toEqual([{ state: 'SUCCEEDED', has_ended: true }]);
  const rows = await engine.query<{ late: number }>(
    `select extract(epoch from end_time - start_time)::float8 * 1000 - 500 as late from flow_step_run
     where tenant_id = any ($1) and key = 'wait'`,
    [tenants],
  );
  expect(rows).toHaveLength(others * wakes);
  const sorted = Float64Array.from(rows, ({ late }) => late).sort();
  const [p50Ms, p95Ms, p99Ms, maxMs] = [0.5, 0.95, 0.99, 1].map((share) => Math.round(percentile(sorted, share)));
  return { p50Ms: p50Ms!, p95Ms: p95Ms!, p99Ms: p99Ms!, maxMs: maxMs! };
}

/** Runs that are due in some day. Nothing reads their contents. */
async function insertWaiting({ tenantId, flowId }: { tenantId: string; flowId: string }, count: number): Promise<void> {
  await engine.query(
    `with given as (
       select gen_random_uuid() as id, now() + interval '1 day' + random() * interval '300 days' as due
       from generate_series(1, $3)),
     runs as (
       insert into flow_run (tenant_id, id, flow_id, version, state, principal_id, cause_kind, cause_time, hop, chain,
         sealed_start, sealed_state, wake_time, start_time, max_time)
       select $1, id, $2, 1, 'WAITING', 'user:1', 'MANUAL', now(), 0, '[]', '', '', due, now(), due + interval '1 year'
       from given)
     insert into flow_job (run_id, tenant_id, flow_id, due_time) select id, $1, $2, due from given`,
    [tenantId, flowId, count],
  );
}
