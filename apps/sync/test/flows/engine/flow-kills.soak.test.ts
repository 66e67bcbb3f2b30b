import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { tenantSession } from '@rapport/persistence';
import { callContext } from '@rapport/platform';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { approvalHooks } from '../../../src/flows/approvals/open-approvals.js';
import { EffectError } from '../../../src/flows/effects/effect-port.js';
import { noteEvents, resumeWait } from '../../../src/flows/runs/note-events.js';
import { decideStep } from '../../../src/flows/serve-runs/change-run.js';
import { CutProcess, type CutMode } from './cut-process.ts';
import { create, FlowEngine } from './flow-engine.ts';
import { stuckRuns } from './flow-invariants.ts';
import { drawsOf } from './random-flow.ts';

/** Runs of the short form die at random places; the long form goes through all of them. */
const runCount = sizeOf('KILLED_RUNS', { short: 5, long: 0 });
const modes = ['BEFORE', 'SENT', 'AFTER'] as const;

const child = { steps: [create('inner')], trigger: { subflow: {} } };
const steps = [
  { key: 'set', set: { variables: [{ name: 'x', value: '1' }] } },
  { key: 'choice', switch: { cases: [{ condition: 'vars.x == 1', steps: [create('chosen')] }] } },
  { key: 'each', for: { in: '[1, 2]', steps: [create('item')] } },
  {
    key: 'all',
    fork: {
      branches: [
        { key: 'a', steps: [create('a')] },
        { key: 'b', steps: [create('b')] },
      ],
    },
  },
  {
    key: 'any',
    fork: {
      mode: 'ANY',
      branches: [
        { key: 'wins', steps: [{ key: 'soon', wait: { until: "now + duration('0.02s')" } }, create('won')] },
        { key: 'loses', steps: [{ key: 'late', wait: { seconds: 86_400 } }, create('lost')] },
      ],
    },
  },
  {
    key: 'tried',
    try: { steps: [create('fails')], retry: { maxAttempts: 1 }, catch: [create('caught')] },
  },
  { key: 'group', do: { steps: [{ key: 'heard', listen: { events: [{ key: 'paid', signal: 'paid' }] } }] } },
  { key: 'asked', approve: { question: "'Go on?'", approverIds: [randomUUID()] } },
  { key: 'called', run: { flow: 'child', waits: true } },
  { key: 'once', http: { url: "'https://erp.example.com'", isUnrepeatable: true } },
  create('last'),
];
/** Effects of a run, by the keys of their steps. */
const effects = ['a', 'b', 'caught', 'chosen', 'item', 'item', 'last', 'won'];

let engine: FlowEngine;

beforeAll(async () => {
  // Each death is logged by the worker that it ends.
  Logger.overrideLogger(false);
  engine = await FlowEngine.start();
  Object.assign(engine.parts.hooks, approvalHooks(engine.parts.envelope));
  engine.port.before = ({ step }) => {
    if (step.key === 'fails') throw new EffectError('REFUSED', 'It is refused.', 'FINAL');
  };
});
afterAll(() => engine.stop());

test(
  'processes that die at any statement or effect of any step leave each effect once, and no run stuck',
  async () => {
    const below = drawsOf(printedSeed('flow-kills'));
    await engine.flow('child', child);
    const flow = await engine.flow('killed', { steps });
    const { places } = await followRun(flow, []);
    const all = Array.from({ length: places }, (_, at) => modes.map((mode) => [{ at: at + 1, mode }])).flat();
    const some = Array.from({ length: runCount }, () =>
      Array.from({ length: 1 + below(3) }, () => ({ at: 1 + below(places), mode: modes[below(3)]! })),
    );
    let [deaths, uncertain] = [0, 0];
    for (const cuts of runCount > 0 ? some : all) {
      const done = await followRun(flow, cuts);
      deaths += done.deaths;
      uncertain += done.uncertain;
    }
    printTally('flow-kills', { places, runs: runCount > 0 ? some.length : all.length, deaths, uncertain });
  },
  soakTimeoutMs,
);

/** Follows a run whose processes die at these places, one after the other, until one lives on. */
async function followRun(
  flow: Awaited<ReturnType<FlowEngine['flow']>>,
  cuts: readonly { at: number; mode: CutMode }[],
): Promise<{ places: number; deaths: number; uncertain: number }> {
  engine.port.effects.clear();
  const runId = await engine.run(flow);
  await engine.transaction((client) =>
    noteEvents(client, engine.parts.envelope, [
      {
        tenantId: engine.tenantId,
        runId,
        target: 'heard',
        eventKey: 'paid',
        eventId: 'one',
        time: new Date().toISOString(),
        data: {},
      },
    ]),
  );
  let [deaths, uncertain] = [0, 0];
  const left = [...cuts];
  for (;;) {
    const process = new CutProcess(engine.urls.appUrl, engine.parts, left.shift());
    await process.start();
    const isDead = process.died.then(() => true);
    while (!(await Promise.race([isDead, isEnded(runId)]))) {
      await answer(runId);
      uncertain += await decide(runId);
    }
    const hasDied = await Promise.race([isDead, Promise.resolve(false)]);
    await process.stop();
    if (!hasDied) {
      await check(runId);
      return { places: process.steps, deaths, uncertain };
    }
    deaths += 1;
    // Its leases end.
    await engine.query('update flow_job set due_time = now(), claim_id = claim_id where claim_id is not null');
  }
}

async function check(runId: string): Promise<void> {
  expect(await engine.stateOf(runId)).toBe('SUCCEEDED');
  const own = [...engine.port.effects.values()].filter((call) => call.runId === runId && !call.step.http);
  expect(own.map(({ step }) => step.key).toSorted()).toEqual(effects);
  const children = await engine.query<{ id: string }>('select id from flow_run where parent_run_id = $1', [runId]);
  expect(children).toHaveLength(1);
  expect(engine.port.effects.size).toBeGreaterThanOrEqual(own.length + 1);
  const calls = await engine.query<{ count: string }>('select count(*) from flow_approval where run_id = $1', [runId]);
  expect(calls).toEqual([{ count: '1' }]);
  expect(await engine.query(stuckRuns)).toEqual([]);
}

async function isEnded(runId: string): Promise<boolean> {
  return (await engine.stateOf(runId)) === 'SUCCEEDED';
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
