import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { EffectError } from '../../../src/flows/effects/effect-port.js';
import type { RunState } from '../../../src/flows/interpreter/run-state.js';
import { openContent } from '../../../src/flows/runs/run-content.js';
import { CutProcess } from '../kills/cut-process.ts';
import { create, FlowEngine } from './flow-engine.ts';

let engine: FlowEngine;

beforeAll(async () => {
  engine = await FlowEngine.start();
  engine.work();
});
afterAll(() => engine.stop());
beforeEach(() => {
  engine.port.before = () => undefined;
  engine.port.after = () => undefined;
});

test('a run follows its steps, and has each effect once', async () => {
  const flow = await engine.flow('all', {
    steps: [
      { key: 'vars', set: { variables: [{ name: 'total', value: '1 + 2' }] } },
      {
        key: 'skipped',
        condition: 'vars.total == 4',
        raise: { code: 'NEVER' },
      },
      {
        key: 'each',
        for: {
          in: "['a', 'b']",
          steps: [create('made', 'item + string(index)')],
        },
      },
      {
        key: 'both',
        fork: {
          branches: [
            { key: 'x', steps: [create('x')] },
            { key: 'y', steps: [create('y')] },
          ],
        },
      },
      {
        key: 'tried',
        try: {
          steps: [{ key: 'fails', raise: { code: 'NO_OWNER', message: "'none'" } }],
          catch: [create('caught', 'error.code')],
        },
      },
    ],
  });
  const runId = await engine.run(flow);

  await expect.poll(() => engine.stateOf(runId), { timeout: 5_000 }).toBe('SUCCEEDED');
  expect(await engine.steps(runId)).toEqual([
    'steps/0 SUCCEEDED',
    'steps/1 SKIPPED',
    'steps/2 SUCCEEDED',
    'steps/2/for/steps/0[0] SUCCEEDED',
    'steps/2/for/steps/0[1] SUCCEEDED',
    'steps/3 SUCCEEDED',
    'steps/3/fork/branches/0/steps/0 SUCCEEDED',
    'steps/3/fork/branches/1/steps/0 SUCCEEDED',
    'steps/4 SUCCEEDED',
    'steps/4/try/steps/0 FAILED',
    'steps/4/try/catch/0 SUCCEEDED',
  ]);
  expect([...engine.port.effects.values()].map(({ input }) => input['title'])).toEqual([
    'a0',
    'b1',
    'x',
    'y',
    'NO_OWNER',
  ]);
});

test('a run whose step fails undoes what it has done, latest first, and lists what it can not undo', async () => {
  const flow = await engine.flow('compensated', {
    steps: [create('one'), create('two'), { key: 'stop', raise: { code: 'STOP' } }],
    onFailure: 'COMPENSATE',
  });
  engine.port.before = ({ input }) => {
    if (engine.port.undone.length === 1 && input['title'] === 'one') {
      throw new EffectError('CHANGED_SINCE', 'It has changed.', 'FINAL');
    }
  };
  const runId = await engine.run(flow);

  await expect.poll(() => engine.stateOf(runId), { timeout: 5_000 }).toBe('COMPENSATED');
  expect(engine.port.undone).toEqual(['steps/1']);
  expect(await engine.steps(runId)).toEqual(['steps/0 SUCCEEDED', 'steps/1 UNDONE', 'steps/2 FAILED']);
});

test('a run undoes a step whose output was too much, and lists once what it can not undo and what may have happened', async () => {
  const flow = await engine.flow('partly_undone', {
    steps: [
      create('kept'),
      { key: 'posted', http: { url: "'https://erp.example.com'" } },
      { key: 'tried', try: { steps: [create('lost')], retry: { maxAttempts: 1 }, catch: [create('caught')] } },
      create('large', 'input.text'),
    ],
    onFailure: 'COMPENSATE',
  });
  engine.port.before = ({ step, effectKey }) => {
    const isUndone = step.http && engine.port.effects.has(effectKey);
    if (isUndone) throw new EffectError('NOT_UNDOABLE', 'It can not be undone.', 'FINAL');
  };
  engine.port.after = ({ step }) => {
    if (step.key === 'lost') throw new EffectError('UNAVAILABLE', 'There is no answer.', 'PASSING');
  };
  const runId = await engine.run(flow, { values: { input: { text: 'x'.repeat(1_100_000) } } });

  await expect.poll(() => engine.stateOf(runId), { timeout: 10_000 }).toBe('COMPENSATED');
  expect(engine.port.undone.slice(-3)).toEqual(['steps/3', 'steps/2/try/catch/0', 'steps/0']);
  const [row] = await engine.query<{ sealed_state: Buffer }>('select sealed_state from flow_run where id = $1', [
    runId,
  ]);
  const owner = { tenantId: engine.tenantId, part: 'flow_run', id: runId } as const;
  const { notUndone = [] } = openContent<RunState>(engine.parts.envelope, owner, row!.sealed_state);
  expect(notUndone.map(({ code, step }) => `${step} ${code}`)).toEqual([
    'steps/1 NOT_UNDOABLE',
    'steps/2/try/steps/0 OUTCOME_UNKNOWN',
  ]);
});

test('a late outcome of a process that has lost its run leaves what another one has stored', async () => {
  const flow = await engine.flow('late', { steps: [create('slow')] });
  const late = Promise.withResolvers<void>();
  let calls = 0;
  engine.port.before = async () => {
    calls += 1;
    if (calls > 1) return;
    await late.promise;
    throw new EffectError('UNAVAILABLE', 'There is no answer.', 'PASSING');
  };
  const first = new CutProcess(engine.urls.appUrl, engine.parts, undefined);
  await engine.worker?.onModuleDestroy();
  await first.start();
  const runId = await engine.run(flow);
  await expect.poll(() => calls).toBe(1);
  engine.work();
  // The lease of the first process ends.
  await engine.query('update flow_job set due_time = now() where run_id = $1', [runId]);
  await expect.poll(() => engine.stateOf(runId), { timeout: 20_000 }).toBe('SUCCEEDED');

  late.resolve();
  await first.stop();
  expect(await engine.steps(runId)).toEqual(['steps/0 SUCCEEDED']);
});
