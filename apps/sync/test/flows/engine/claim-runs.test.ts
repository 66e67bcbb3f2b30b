import { withConnection } from '@rapport/persistence';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { v7 as uuidv7 } from 'uuid';
import { untilDueMs } from '../../../src/flows/backfills/claim-backfills.js';
import { noteEvents } from '../../../src/flows/runs/note-events.js';
import { areRunsDue, claimRuns, flowDelays, type RunRoom } from '../../../src/flows/worker/claim-runs.js';
import { beginWithRun } from '../../../src/flows/worker/stored-run.js';
import { FlowEngine } from './flow-engine.ts';

let engine: FlowEngine;

beforeAll(async () => {
  engine = await FlowEngine.start();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.query('truncate flow_job');
});

function claim(room: Partial<RunRoom>) {
  return claimRuns(engine.orm.em.fork(), { total: 1_000, perTenant: 1_000, tenants: new Map(), ...room }, 60_000);
}

/** @returns the id of a tenant with runs that are due after `seconds` */
async function tenantWith(count: number, seconds = -1, isFrozen = false): Promise<string> {
  const tenantId = uuidv7();
  await engine.query(
    `insert into flow_job (run_id, tenant_id, flow_id, due_time, is_frozen)
     select gen_random_uuid(), $1, $1, now() + make_interval(secs => $3), $4 from generate_series(1, $2)`,
    [tenantId, count, seconds, isFrozen],
  );
  return tenantId;
}

test('a tenant with many due runs leaves one with a single run its turn', async () => {
  await tenantWith(500);
  const calm = await tenantWith(1);

  const runs = await claim({ total: 8 });

  expect(runs).toHaveLength(8);
  expect(runs.filter(({ tenantId }) => tenantId === calm)).toHaveLength(1);
});

test('the delay is that of the run that has been due for longest, without those that can not be claimed', async () => {
  await tenantWith(2, 3_600);
  await tenantWith(1, -500, true);
  await tenantWith(3, -30);
  const late = await tenantWith(1, -200);

  expect(Math.floor((await flowDelays(engine.orm.em.fork())).runs / 100)).toBe(2);
  const claimed = await claim({});
  expect(claimed.filter(({ lateSeconds }) => lateSeconds >= 200).map(({ tenantId }) => tenantId)).toEqual([late]);
  // The clock must not show between two readings of it.
  for (let read = 0; read < 300; read += 1) expect((await flowDelays(engine.orm.em.fork())).runs).toBe(0);
});

test('a tenant gets no more runs than it has room for', async () => {
  const [greedy, busy] = [await tenantWith(30), await tenantWith(30)];

  const runs = await claim({ perTenant: 10, tenants: new Map([[busy, 3]]) });

  const counts = Map.groupBy(runs, ({ tenantId }) => tenantId);
  expect([greedy, busy].map((tenantId) => counts.get(tenantId)?.length)).toEqual([10, 3]);
});

test('runs that wait, are claimed or belong to a frozen flow are not claimed', async () => {
  await tenantWith(3, 3_600);
  await tenantWith(3, -1, true);
  await tenantWith(2);

  expect(await claim({})).toHaveLength(2);
  expect(await claim({})).toEqual([]);
});

test('neither a claim nor the search for due work reads the runs that wait', async () => {
  await tenantWith(5_000, 3_600);
  await tenantWith(2);
  await engine.query('vacuum analyze flow_job');
  const read = async () => {
    // The connections of the pool report what they have read.
    await withConnection(engine.orm.em.fork(), (client) => client.query('select pg_stat_force_next_flush()'));
    const [row] = await engine.query<{ count: number }>(
      `select idx_tup_read::int as count from pg_stat_user_indexes where indexrelname = 'flow_job_by_due'`,
    );
    return row?.count ?? 0;
  };
  const before = await read();

  expect(await claim({ total: 10, perTenant: 10 })).toHaveLength(2);
  await withConnection(engine.orm.em.fork(), (client) => client.query(`select ${areRunsDue}`));
  expect((await read()) - before).toBeLessThan(100);
});

test('a claimed run has its events in the order in which they came', async () => {
  const flow = await engine.flow('listening', {
    steps: [{ key: 'heard', listen: { events: [{ key: 'paid', signal: 'paid' }] } }],
  });
  const runId = await engine.run(flow);
  const ids = Array.from({ length: 12 }, (_, place) => `event ${place}`);
  const { envelope } = engine.parts;
  const time = new Date().toISOString();
  for (const eventId of ids) {
    const event = { ...{ tenantId: engine.tenantId, runId, target: 'heard', eventKey: 'paid' }, eventId, time };
    await engine.transaction((client) => noteEvents(client, envelope, [{ ...event, data: { eventId } }]));
  }
  const [claimed] = await claim({});

  const stored = await engine.transaction((client) => beginWithRun(client, envelope, claimed!));

  expect(stored?.events.map(({ data }) => data['eventId'])).toEqual(ids);
});

test('a process that has no backfill of flows does not look for one again and again', async () => {
  const untilDue = () => untilDueMs(engine.orm.em.fork());
  expect(await untilDue()).toBeUndefined();
  await engine.query(
    `insert into flow_backfill_job (backfill_id, tenant_id, flow_id, due_time)
     values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), now() + interval '1 hour')`,
  );
  expect(await untilDue()).toBeGreaterThan(3_000_000);
  await engine.query(`update flow_backfill_job set due_time = now() - interval '1 second'`);
  expect(await untilDue()).toBe(0);
});
