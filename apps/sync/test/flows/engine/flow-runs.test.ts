import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { EffectError } from '../../../src/flows/effects/effect-port.js';
import { create, FlowEngine } from './flow-engine.ts';

let engine: FlowEngine;

beforeAll(async () => {
  engine = await FlowEngine.start();
  engine.work();
});
afterAll(() => engine.stop());
beforeEach(() => {
  engine.port.before = () => undefined;
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
