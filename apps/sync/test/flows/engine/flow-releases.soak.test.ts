import { randomUUID } from 'node:crypto';
import { runMigrations } from '@rapport/persistence';
import { printTally, provisionDatabase, sizeOf, soakTimeoutMs, type ProvisionedDatabase } from '@rapport/testing';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { entities, migrations } from '../../../src/database.js';
import type { RunState } from '../../../src/flows/interpreter/run-state.js';
import { noteEvents } from '../../../src/flows/runs/note-events.js';
import { sealContent } from '../../../src/flows/runs/run-content.js';
import { create, FlowEngine } from './flow-engine.ts';
import { stuckRuns } from './flow-invariants.ts';
import { SteppedClock } from './stepped-clock.ts';

const runCount = sizeOf('WAITING_RUNS', { short: 40, long: 10_000 });

/** Last migrations of three releases of the engine. */
const releases = ['create-flow-decisions', 'notify-approvers', migrations.at(-1)!.name];
const day = 86_400_000;

let database: ProvisionedDatabase;
let engine: FlowEngine;
let clock: SteppedClock;

beforeAll(async () => {
  database = await provisionDatabase(inject('superuserUrl'), `sync_${randomUUID().slice(0, 8)}`);
  await migrateTo(0);
  clock = await SteppedClock.of(database);
  engine = await FlowEngine.start(database);
});
afterAll(() => engine.stop());

async function migrateTo(release: number): Promise<void> {
  const names = migrations.map((migration) => new migration(undefined as never, undefined as never).name);
  const end = release === 2 ? migrations.length : names.indexOf(releases[release] ?? '') + 1;
  await runMigrations({ databaseUrl: database.ownerUrl, entities, migrations: migrations.slice(0, end) });
}

const waitDays = 20;
const listenDays = 15;

/** Two steps that wait, after a wait that the first release has begun. */
function stepsOf(version: number): object[] {
  return [
    { key: 'before', wait: { seconds: (waitDays * day) / 1_000 } },
    create(`v${version}_waited`),
    {
      key: 'heard',
      listen: { events: [{ key: 'paid', signal: 'paid' }], timeoutSeconds: (listenDays * day) / 1_000 },
    },
    {
      key: 'choice',
      switch: {
        cases: [{ condition: "steps.heard.event == 'paid'", steps: [create(`v${version}_paid`)] }],
        otherwise: [create(`v${version}_late`)],
      },
    },
  ];
}

test(
  'runs that wait over two migrations of the engine finish on their version, and a publication moves none',
  async () => {
    const { flowId } = await engine.flow('released', { steps: stepsOf(1) });
    await engine.flow('released', { steps: stepsOf(2) }, { version: 2, id: flowId });
    const runs = Array.from({ length: runCount }, (_, place) => ({ id: uuidv7(), version: 1 + (place % 2) }));
    for (let start = 0; start < runCount; start += 1_000) await insertWaiting(flowId, runs.slice(start, start + 1_000));
    // As autovacuum does after so many rows.
    await engine.query('analyze flow_run, flow_job, flow_wait');

    await clock.step(10);
    await migrateTo(1);
    await clock.step(waitDays - 11);
    await migrateTo(2);
    engine.work();
    const jobs = () => engine.query('select from flow_job where claim_id is not null or due_time <= clock_timestamp()');
    expect(await jobs()).toEqual([]);

    // Half of the runs take the event, which comes before the step, the others its end.
    const paid = runs.filter((_, place) => place % 4 < 2);
    for (let start = 0; start < paid.length; start += 200) await pay(paid.slice(start, start + 200));
    await clock.step(2);
    engine.worker?.wake();
    const waited = () => [...engine.port.effects.values()].filter(({ step }) => step.key.endsWith('_waited')).length;
    await expect.poll(waited, { timeout: soakTimeoutMs }).toBeGreaterThan(runCount / 4);
    await engine.flow('released', { steps: stepsOf(3) }, { version: 3, id: flowId });
    await expect.poll(waited, { timeout: soakTimeoutMs }).toBe(runCount);
    // The end of a wait counts from when it begins, which is after the effect before it.
    const listening = () => engine.query(`select from flow_run where state = 'WAITING' and waiting_for = 'steps/2'`);
    await expect.poll(listening, { timeout: soakTimeoutMs }).toHaveLength(runCount / 2);
    await clock.step(listenDays + 1);
    engine.worker?.wake();
    const states = () =>
      engine.query('select version, state, count(*)::int as count from flow_run group by 1, 2 order by 1, 2');
    await expect
      .poll(states, { timeout: soakTimeoutMs, interval: 200 })
      .toEqual([1, 2].map((version) => ({ version, state: 'SUCCEEDED', count: runCount / 2 })));

    const effects = Map.groupBy(engine.port.effects.values(), ({ step }) => step.key);
    expect(Object.fromEntries([...effects].map(([key, calls]) => [key, calls.length]))).toEqual(
      Object.fromEntries(
        [1, 2].flatMap((version) => [
          ...[[`v${version}_waited`, runCount / 2]],
          ...['paid', 'late'].map((end) => [`v${version}_${end}`, runCount / 4]),
        ]),
      ),
    );
    expect(await engine.query(stuckRuns)).toEqual([]);
    printTally('flow-releases', { runs: runCount, migrations: 2, effects: engine.port.effects.size });
  },
  soakTimeoutMs,
);

/** Rows of runs at their first step, as the first release has stored them. */
async function insertWaiting(flowId: string, runs: readonly { id: string; version: number }[]): Promise<void> {
  const { tenantId } = engine;
  const { envelope } = engine.parts;
  const wake = new Date(Date.now() + waitDays * day).toISOString();
  const state: RunState = {
    ...{ vars: {}, outputs: {}, frames: {}, stepCount: 1, rowCount: 1 },
    tokens: [{ path: 'steps/0', phase: 'WAIT', attempt: 1, number: 1, wake }],
  };
  const sealed = (id: string, content: object) =>
    sealContent(envelope, { tenantId, part: 'flow_run', id }, content).toString('base64');
  const rows = runs.map(({ id, version }) => ({
    ...{ id, version, start: sealed(id, { input: {} }), state: sealed(id, state) },
  }));
  await engine.query(
    `with given as (
       select * from jsonb_to_recordset($4) as run (id uuid, version int, start text, state text)),
     runs as (
       insert into flow_run (tenant_id, id, flow_id, version, state, principal_id, cause_kind, cause_principal_id, cause_time,
         hop, chain, sealed_start, sealed_state, wake_time, waiting_for, step_count, start_time, max_time)
       select $1, id, $2, version, 'WAITING', 'user:1', 'MANUAL', 'user:1', now(), 0, '[]', decode(start, 'base64'),
         decode(state, 'base64'), $3, 'steps/0', 1, now(), now() + interval '365 days' from given),
     steps as (
       insert into flow_step_run (tenant_id, run_id, number, path, key, kind, attempt, state, start_time)
       select $1, id, 1, 'steps/0', 'before', 'wait', 1, 'WAITING', now() from given),
     waits as (
       insert into flow_wait (tenant_id, run_id, step_key, event_key, kind, signal, correlation_hash, since_time)
       select $1, id, 'heard', 'paid', 'SIGNAL', 'paid', sha256(id::text::bytea), now() from given)
     insert into flow_job (run_id, tenant_id, flow_id, due_time) select id, $1, $2, $3 from given`,
    [tenantId, flowId, wake, JSON.stringify(rows)],
  );
}

function pay(runs: readonly { id: string }[]): Promise<unknown> {
  const { tenantId } = engine;
  const event = { ...{ tenantId, target: 'heard', eventKey: 'paid', eventId: 'one' }, time: new Date().toISOString() };
  const events = runs.map(({ id: runId }) => ({ ...event, runId, data: {} }));
  return engine.transaction((client) => noteEvents(client, engine.parts.envelope, events));
}
