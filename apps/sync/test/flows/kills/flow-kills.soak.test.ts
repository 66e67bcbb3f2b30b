import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { tenantSession } from '@rapport/persistence';
import { callContext } from '@rapport/platform';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { approvalHooks } from '../../../src/flows/approvals/open-approvals.js';
import { EffectError, type EffectCall } from '../../../src/flows/effects/effect-port.js';
import { effectError } from '../../../src/flows/effects/record-calls.js';
import { resolveStep } from '../../../src/flows/effects/resolve-step.js';
import { noteEvents, resumeWait } from '../../../src/flows/runs/note-events.js';
import { decideStep } from '../../../src/flows/serve-runs/change-run.js';
import { FlowEngine } from '../engine/flow-engine.ts';
import { stuckRuns } from '../engine/flow-invariants.ts';
import { drawsOf } from '../engine/random-flow.ts';
import { CutProcess, type CutMode } from './cut-process.ts';
import { ExchangeStarts } from './exchange-starts.ts';
import { child, effects, everyKind, undoneSteps } from './kill-plan.ts';

/** Of each kind. Runs of the short form die at random places; the long form goes through all of them. */
const runCount = sizeOf('KILLED_RUNS', { short: 5, long: 0 });
const modes = ['BEFORE', 'SENT', 'AFTER'] as const;

/** Rounds with three workers at a time, each with a run of both flows. */
const rounds = sizeOf('KILLED_ROUNDS', { short: 1, long: 300 });

let engine: FlowEngine;
let exchanges: ExchangeStarts;
/** Started by steps `connector`, by effect key. */
const started = new Map<string, { call: EffectCall; ids: Set<unknown> }>();
/** Effect keys of unrepeatable requests that were repeated after they had happened. */
const repeated: string[] = [];

/** A kind of run that is killed. */
interface Killed {
  start: () => Promise<string>;
  check: (runId: string) => Promise<void>;
}
let whole: Killed;
let undone: Killed;

beforeAll(async () => {
  // Each death is logged by the worker that it ends.
  Logger.overrideLogger(false);
  engine = await FlowEngine.start();
  Object.assign(engine.parts.hooks, approvalHooks(engine.parts.envelope));
  engine.port.before = ({ step }) => {
    if (step.key === 'fails') throw new EffectError('REFUSED', 'It is refused.', 'FINAL');
  };
  engine.parts.resolve = resolveStep;
  exchanges = await ExchangeStarts.in(engine);
  await exchanges.open();
  await engine.flow('child', child);
  const flow = await engine.flow('killed', { steps: everyKind(exchanges.mappingId) });
  const undoneFlow = await engine.flow('undone', { steps: undoneSteps, onFailure: 'COMPENSATE' });
  whole = { start: () => newRun(flow), check };
  undone = { start: () => engine.run(undoneFlow), check: checkUndone };
});
afterAll(async () => {
  await exchanges.stop();
  await engine.stop();
});

test(
  'processes that die at any statement or effect of any step leave each effect once, undo in order what has failed, and no run stuck',
  async () => {
    const below = drawsOf(printedSeed('flow-kills'));
    for (const [name, kind] of Object.entries({ whole, undone })) {
      const { places } = await followRun(kind, []);
      const all = Array.from({ length: places }, (_, at) => modes.map((mode) => [{ at: at + 1, mode }])).flat();
      const some = Array.from({ length: runCount }, () =>
        Array.from({ length: 1 + below(3) }, () => ({ at: 1 + below(places), mode: modes[below(3)]! })),
      );
      let [deaths, uncertain] = [0, 0];
      for (const cuts of runCount > 0 ? some : all) {
        const done = await followRun(kind, cuts);
        deaths += done.deaths;
        uncertain += done.uncertain;
      }
      const runs = runCount > 0 ? some.length : all.length;
      printTally('flow-kills', { kind: name, places, runs, deaths, uncertain });
    }
  },
  soakTimeoutMs,
);

test(
  'three workers that die or lose their connections at any statement leave each effect once, undo in order what has failed, and no run stuck',
  async () => {
    const below = drawsOf(printedSeed('flow-kills of three'));
    const counts = { deaths: 0, cuts: 0, uncertain: 0 };
    for (let round = 0; round < rounds; round += 1) {
      const cuts = Array.from({ length: 3 + below(6) }, () => ({
        at: 1 + below(60),
        mode: ([...modes, 'NETWORK'] as const)[below(4)]!,
      }));
      await followAmidWorkers([await whole.start()], [await undone.start()], cuts, counts);
    }
    printTally('flow-kills of three', { rounds, ...counts });
  },
  soakTimeoutMs,
);

interface KillCounts {
  deaths: number;
  cuts: number;
  uncertain: number;
}

/** Follows runs by three workers at a time, each with the next of the cuts. One that dies is replaced. */
async function followAmidWorkers(
  runIds: readonly string[],
  undoneIds: readonly string[],
  cuts: readonly { at: number; mode: CutMode }[],
  counts: KillCounts,
): Promise<void> {
  const left = [...cuts];
  const [workers, dead] = [new Set<CutProcess>(), [] as CutProcess[]];
  const startOne = async () => {
    const worker = killable(left.shift());
    workers.add(worker);
    void worker.died.then(() => dead.push(worker));
    await worker.start();
  };
  for (let count = 0; count < 3; count += 1) await startOne();
  for (let look = 1; !(await haveEnded([...runIds, ...undoneIds])); look += 1) {
    // Each look asks the database.
    await delay(10);
    for (const worker of dead.splice(0)) {
      await startOne();
      workers.delete(worker);
      await worker.stop();
      counts.deaths += 1;
    }
    for (const runId of runIds) {
      await answer(runId);
      counts.uncertain += await decide(runId);
    }
    // Leases end, also those of workers that live: another one takes the run from them.
    if (look % 10 === 0) await engine.query(endLeases);
  }
  for (const worker of workers) {
    if (worker.isNetworkCut) counts.cuts += 1;
    await worker.stop();
  }
  for (const runId of runIds) await whole.check(runId);
  for (const runId of undoneIds) await undone.check(runId);
}

function killable(cut: { at: number; mode: CutMode } | undefined): CutProcess {
  return new CutProcess(engine.urls.appUrl, engine.parts, cut, (orm) => {
    const connector = exchanges.effect(orm);
    const perform = async (call: EffectCall) => {
      if (call.step.http?.isUnrepeatable && engine.port.effects.has(call.effectKey)) repeated.push(call.effectKey);
      if (!call.step.connector) return engine.port.perform(call);
      const outcome = await connector.perform(call).catch((error: unknown) => {
        throw effectError(error);
      });
      const { ids } = started.get(call.effectKey) ?? { ids: new Set() };
      started.set(call.effectKey, { call, ids: ids.add(outcome.output['syncRunId']) });
      return outcome;
    };
    return { perform, undo: (call) => engine.port.undo(call) };
  });
}

/** Without the jobs in use: this statement and a worker could wait for each other. */
const endLeases = `update flow_job set due_time = now() where run_id in (
  select run_id from flow_job where claim_id is not null for update skip locked)`;

async function haveEnded(runIds: readonly string[]): Promise<boolean> {
  const rows = await engine.query('select from flow_run where id = any ($1) and end_time is not null', [runIds]);
  return rows.length === runIds.length;
}

/** Each effect of a run was undone, latest first. */
async function checkUndone(runId: string): Promise<void> {
  expect(await engine.stateOf(runId)).toBe('COMPENSATED');
  const rows = await engine.query<{ effect_key: string }>(
    `select effect_key from flow_step_run where run_id = $1 and state = 'UNDONE' order by number desc`,
    [runId],
  );
  const keys = rows.map(({ effect_key: key }) => key);
  const own = [...engine.port.effects.values()].filter((call) => call.runId === runId);
  expect(keys.toSorted()).toEqual(own.map(({ effectKey }) => effectKey).toSorted());
  expect(keys).toHaveLength(5);
  expect([...new Set(engine.port.undoneKeys)].filter((key) => key.startsWith(runId))).toEqual(keys);
  expect(await engine.query(stuckRuns)).toEqual([]);
}

/** Follows a run whose processes die at these places, one after the other, until one lives on. */
async function followRun(
  kind: Killed,
  cuts: readonly { at: number; mode: CutMode }[],
): Promise<{ places: number; deaths: number; uncertain: number }> {
  const runId = await kind.start();
  let [deaths, uncertain] = [0, 0];
  const left = [...cuts];
  for (;;) {
    const process = killable(left.shift());
    await process.start();
    const isDead = process.died.then(() => true);
    while (!(await Promise.race([isDead, haveEnded([runId])]))) {
      // Each look asks the database.
      await delay(10);
      await answer(runId);
      uncertain += await decide(runId);
    }
    const hasDied = await Promise.race([isDead, Promise.resolve(false)]);
    await process.stop();
    if (!hasDied) {
      await kind.check(runId);
      return { places: process.steps, deaths, uncertain };
    }
    deaths += 1;
    // Its leases end.
    await engine.query('update flow_job set due_time = now(), claim_id = claim_id where claim_id is not null');
  }
}

/** A run with an event that comes before the step that takes it. */
async function newRun(flow: Awaited<ReturnType<FlowEngine['flow']>>): Promise<string> {
  const runId = await engine.run(flow);
  const { tenantId } = engine;
  const event = { ...{ tenantId, runId, target: 'heard', eventKey: 'paid', eventId: 'one' }, data: {} };
  await engine.transaction((client) =>
    noteEvents(client, engine.parts.envelope, [{ ...event, time: new Date().toISOString() }]),
  );
  return runId;
}

async function check(runId: string): Promise<void> {
  expect(await engine.stateOf(runId)).toBe('SUCCEEDED');
  const own = [...engine.port.effects.values()].filter((call) => call.runId === runId);
  const keys = own.map(({ step }) => step.key).filter((key) => key !== 'once');
  expect(keys.toSorted()).toEqual(effects);
  expect(repeated).toEqual([]);
  const children = await engine.query<{ id: string }>('select id from flow_run where parent_run_id = $1', [runId]);
  expect(children).toHaveLength(1);
  const inner = [...engine.port.effects.values()].filter((call) => call.runId === children[0]?.id);
  expect(inner.map(({ step }) => step.key)).toEqual(['inner']);
  const asked = await engine.query<{ count: string }>('select count(*) from flow_approval where run_id = $1', [runId]);
  expect(asked).toEqual([{ count: '1' }]);
  await checkExchange(runId);
  expect(await engine.query(stuckRuns)).toEqual([]);
}

/** A run has started one exchange, and starts no other one if its step is repeated a month later. */
async function checkExchange(runId: string): Promise<void> {
  const own = [...started.values()].filter(({ call }) => call.runId === runId);
  expect(own).toHaveLength(1);
  for (const { call, ids } of own) expect([await exchanges.repeat(call)]).toEqual([...ids]);
  expect(await exchanges.ids()).toHaveLength(started.size);
}

/** Lets people answer. */
async function answer(runId: string): Promise<void> {
  const [open] = await engine.query<{ path: string }>(
    `select path from flow_approval where run_id = $1 and state = 'PENDING'`,
    [runId],
  );
  if (!open) return;
  const { envelope } = engine.parts;
  const output = { decision: 'APPROVED' };
  await engine.transaction((client) =>
    resumeWait(client, envelope, { tenantId: engine.tenantId, runId, ...open, output }),
  );
}

/** Says of an uncertain request what has become of it. */
async function decide(runId: string): Promise<number> {
  if ((await engine.stateOf(runId)) !== 'UNCERTAIN') return 0;
  const happened = [...engine.port.effects.values()].some((call) => call.runId === runId && call.step.http);
  const { tenantId } = engine;
  const caller = { tenantId, principalId: 'user:1', permissions: [] };
  await callContext.run({ requestId: randomUUID(), caller }, () =>
    engine.orm.em
      .fork({ session: tenantSession(tenantId) })
      .transactional((em) => decideStep(em, engine.parts, { id: runId, decision: { happened } })),
  );
  return 1;
}
