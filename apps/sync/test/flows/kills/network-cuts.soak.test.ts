import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { tenantSession } from '@rapport/persistence';
import { callContext } from '@rapport/platform';
import { isSoak, printedSeed, printTally, sharedPlatform, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openContent } from '../../../src/flows/runs/run-content.js';
import { decideStep } from '../../../src/flows/serve-runs/change-run.js';
import type { StepResult } from '../../../src/flows/worker/store-advance.js';
import type { Json } from '../effect-bench.ts';
import type { FlowEngine } from '../engine/flow-engine.ts';
import { stuckRuns } from '../engine/flow-invariants.ts';
import { drawsOf } from '../engine/random-flow.ts';
import { CutProcess, type CutMode } from './cut-process.ts';
import type { LinkCut } from './cut-link.ts';
import { forEach } from './lost-outcomes.ts';
import { RealFlows } from './real-flows.ts';

/** Runs that succeed. */
const runCount = sizeOf('CUT_RUNS', { short: 1, long: 40 });
/** Runs that fail behind each of their steps, and are undone. The short form draws one of the steps. */
const undoneCount = sizeOf('CUT_UNDONE', { short: 0, long: 2 });
/** Cuts of each link, as long as the runs last. */
const cutCounts = {
  database: sizeOf('CUT_DATABASE', { short: 3, long: 80 }),
  customers: sizeOf('CUT_CUSTOMERS', { short: 3, long: 80 }),
  http: sizeOf('CUT_HTTP', { short: 1, long: 40 }),
};
const deaths = sizeOf('CUT_DEATHS', { short: 2, long: 60 });
/** Requests between two cuts of a link, at most. */
const spread = { database: 30, customers: sizeOf('CUT_SPREAD', { short: 12, long: 60 }), http: 2 };
const days = 30;
/** Looks of at least 20 ms from one day to the next. */
const dayLooks = sizeOf('CUT_DAY_LOOKS', { short: 10, long: 15 });

const cuts: readonly LinkCut[] = ['REQUEST', 'ANSWER', 'HALF_OPEN'];
const kills: readonly CutMode[] = ['BEFORE', 'SENT', 'AFTER', 'NETWORK'];

type Flow = Awaited<ReturnType<FlowEngine['flow']>>;

/** A run, and the records that it acts on. */
interface Started {
  runId: string;
  flow: Flow;
  dealId: string;
  before: Json;
}

let flows: RealFlows;
let engine: FlowEngine;
let tenantId: string;

beforeAll(async () => {
  // Each death and each cut is logged by the worker that it ends.
  Logger.overrideLogger(false);
  flows = await RealFlows.on(await sharedPlatform(inject('platformUrl')));
  engine = flows.engine;
  ({ tenantId } = flows.bench.api.tenant);
});
afterAll(() => flows.stop());

test(
  'cuts between sync, its database, customers and other systems leave each effect once, undo what has failed, and no run stuck',
  async () => {
    const below = drawsOf(printedSeed('network-cuts'));
    const steps = flows.steps();
    const places = undoneCount > 0 ? steps.map((_, index) => index + 1) : [1 + below(steps.length)];
    const whole = await engine.flow('whole', { steps: repeated(steps) }, { tenantId });
    const undone = await Promise.all(places.map((place) => failing(steps.slice(0, place))));

    const references = await startAll([whole, ...undone]);
    await followAmidCuts(references, below, false);
    const expected = new Map<Flow, unknown>();
    for (const each of references) expected.set(each.flow, await outcomeOf(each));

    const rounds = Array.from({ length: Math.max(1, undoneCount) }, () => undone);
    const wanted = [...Array<Flow>(runCount).fill(whole), ...rounds.flat()];
    const started = await startAll(wanted);
    const tally = await followAmidCuts(started, below, true);
    for (const each of started) expect(await outcomeOf(each), each.flow.flowId).toEqual(expected.get(each.flow));
    expect(await engine.query(stuckRuns)).toEqual([]);
    const pulling = [...references, ...started].filter(({ flow }) =>
      JSON.stringify(flow.definition).includes(flows.exchanges.mappingId),
    );
    expect(await flows.exchanges.ids()).toHaveLength(pulling.length);
    const { database, customers, http } = flows.links;
    const cutsOf = { database: database.cuts, customers: customers.cuts, http: http.cuts };
    printTally('network-cuts', { runs: started.length, requests: flows.keys.length, ...tally, ...cutsOf });
  },
  soakTimeoutMs,
);

/** Steps that are repeated more often than they are cut. */
function repeated(steps: readonly object[]): object[] {
  return [{ key: 'tried', try: { steps, retry: { maxAttempts: 100, delaySeconds: 1, maxDelaySeconds: 2 } } }];
}

function failing(steps: readonly object[]): Promise<Flow> {
  const all = [...repeated(steps), { key: 'fails', raise: { code: 'FAILS' } }];
  return engine.flow(`undone_${steps.length}`, { steps: all, onFailure: 'COMPENSATE' }, { tenantId });
}

async function startAll(wanted: readonly Flow[]): Promise<Started[]> {
  const started: Started[] = [];
  await forEach(wanted, async (flow, index) => {
    started[index] = await start(flow);
  });
  return started;
}

async function start(flow: Flow): Promise<Started> {
  const input = await flows.records();
  const { dealId } = input;
  const before = await deal(dealId);
  const runId = await engine.run(flow, { values: { input }, record: { type: 'deal', id: dealId } });
  return { runId, flow, dealId, before };
}

/** Follows runs by three workers at a time, until all have ended. */
async function followAmidCuts(
  started: readonly Started[],
  below: (limit: number) => number,
  isCut: boolean,
): Promise<Record<string, number>> {
  const counts = { deaths: 0, uncertain: 0, days: 0 };
  const left = isCut ? { ...cutCounts } : { database: 0, customers: 0, http: 0 };
  const [workers, dead] = [new Set<CutProcess>(), [] as CutProcess[]];
  const startOne = async () => {
    const cut = isCut && counts.deaths < deaths ? { at: 1 + below(80), mode: kills[below(4)]! } : undefined;
    const url = flows.links.database.url(engine.urls.appUrl);
    const worker = new CutProcess(url, engine.parts, cut, (orm) => flows.effects(orm));
    workers.add(worker);
    void worker.died.then(() => dead.push(worker));
    await worker.start();
  };
  for (let count = 0; count < (isCut ? 3 : 1); count += 1) await startOne();
  for (let look = 1; !(await haveEnded(started)); look += 1) {
    // Each look asks the database.
    await delay(20);
    for (const worker of dead.splice(0)) {
      counts.deaths += 1;
      await startOne();
      workers.delete(worker);
      await worker.stop();
    }
    planCuts(left, below);
    if (isCut && look % dayLooks === 0 && counts.days < days) {
      await flows.nextDay();
      counts.days += 1;
    }
    if (look % 10 !== 0) continue;
    for (const { runId } of started) counts.uncertain += await decide(runId);
    // Leases end, also those of workers that live: another one takes the run from them.
    await engine.query(endLeases);
  }
  for (const link of Object.values(flows.links)) link.plan(undefined);
  for (const worker of workers) await worker.stop();
  return counts;
}

/** Plans the next cut of each link that has none. */
function planCuts(left: Record<keyof typeof spread, number>, below: (limit: number) => number): void {
  for (const name of ['database', 'customers', 'http'] as const) {
    if (flows.links[name].isPlanned || left[name] === 0) continue;
    left[name] -= 1;
    // In the long form some last beyond the deadline of a call.
    const halfOpenMs = isSoak && below(3) === 0 ? 12_000 : 100;
    flows.links[name].plan({ cut: cuts[below(3)]!, after: below(spread[name]), halfOpenMs });
  }
}

/** Without the jobs in use: this statement and a worker could wait for each other. */
const endLeases = `update flow_job set due_time = now() where run_id in (
  select run_id from flow_job where claim_id is not null for update skip locked)`;

async function haveEnded(started: readonly Started[]): Promise<boolean> {
  const ids = started.map(({ runId }) => runId);
  const [row] = await engine.query<{ open: number }>(
    'select count(*)::int as open from flow_run where id = any ($1) and end_time is null',
    [ids],
  );
  return row?.open === 0;
}

/** What a run has come to: its state and steps, what it has changed, the record that it was about, and its requests. */
async function outcomeOf({ runId, flow, dealId, before }: Started): Promise<unknown> {
  const isUndone = flow.definition.steps.some(({ key }) => key === 'fails');
  expect(await engine.stateOf(runId)).toBe(isUndone ? 'COMPENSATED' : 'SUCCEEDED');
  if (isUndone) expect(await deal(dealId)).toEqual(before);
  const rows = await engine.query<{ path: string; key: string; state: string; result: Buffer | null }>(
    `select distinct on (path) path, key, state, sealed_result as result from flow_step_run
      where run_id = $1 order by path, number desc`,
    [runId],
  );
  const sealed = { tenantId, part: 'flow_step_run', id: runId } as const;
  const steps = rows.map(({ result, state, ...step }) => {
    const { problem } = result ? openContent<StepResult>(engine.parts.envelope, sealed, result) : {};
    return { ...step, state, ...(state === 'FAILED' && { problem }) };
  });
  const keys = flows.keys.filter((key) => key.startsWith(runId));
  expect(keys.filter((key) => key.endsWith(':once')).length).toBeLessThanOrEqual(1);
  return {
    steps,
    changes: await flows.changesOf(runId),
    keys: [...new Set(keys)].map((key) => key.slice(runId.length)),
  };
}

/** The deal as it is, without what each write changes. */
async function deal(id: string): Promise<Json> {
  const found = await flows.bench.api.send('GET', `/v1/deals/${id}`, undefined, { 'cache-control': 'no-cache' });
  const { etag: _, updateTime: _1, updatedBy: _2, stageTime: _3, lastActivityTime: _4, rank: _5, ...rest } = found.body;
  return { status: found.status, ...rest };
}

/** Says of an uncertain request what has become of it. */
async function decide(runId: string): Promise<number> {
  if ((await engine.stateOf(runId)) !== 'UNCERTAIN') return 0;
  const happened = flows.keys.some((key) => key.startsWith(runId) && key.endsWith(':once'));
  const caller = { tenantId, principalId: 'user:1', permissions: [] };
  await callContext.run({ requestId: randomUUID(), caller }, () =>
    engine.orm.em
      .fork({ session: tenantSession(tenantId) })
      .transactional((em) => decideStep(em, engine.parts, { id: runId, decision: { happened } })),
  );
  return 1;
}
