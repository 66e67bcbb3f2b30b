import { expect, test } from 'vitest';
import { readDefinition } from '../definitions/definition-json.js';
import { Expressions } from './expressions.js';
import { maxKeptLength } from './kept-values.js';
import { initialState, type RunState } from './run-state.js';
import { Stepper } from './stepper.js';

const now = new Date();
const tooLarge = {
  code: 'RUN_TOO_LARGE',
  message: 'Variables and outputs of the run have more than 1048576 characters.',
};

function stepperOf(steps: readonly object[], state: RunState = initialState()): Stepper {
  const plan = {
    ...{ runId: 'run', steps: readDefinition({ steps }).steps, values: {}, resolve: () => ({}) },
    ...{ expressions: new Expressions(), maxSteps: 1_000, maxTime: new Date(now.getTime() + 1_000) },
  };
  return new Stepper(plan as never, state, now);
}

test('a run that doubles a text in a loop stops before it fills the memory', () => {
  const [one, twice] = [
    { name: 'text', value: "'0123456789'" },
    { name: 'text', value: 'vars.text + vars.text' },
  ];
  const items = `[${Array.from({ length: 50 }, () => '1').join(', ')}]`;
  const stepper = stepperOf([
    { key: 'start', set: { variables: [one] } },
    { key: 'loop', for: { in: items, steps: [{ key: 'double', set: { variables: [twice] } }] } },
  ]).advance({});

  expect(stepper.result).toMatchObject({ status: 'FAILED', waitingFor: 'steps/1/for/steps/0[15]' });
  expect(stepper.state.problem).toMatchObject(tooLarge);
  expect(JSON.stringify(stepper.state.vars).length).toBeLessThan(maxKeptLength + 100);
});

test('an output that is too large fails its step, and what undoes it is kept', () => {
  const stepper = stepperOf([{ key: 'call', http: { url: "'https://example.com'" } }]).advance({});
  const [number = 0] = stepper.state.tokens.map((token) => token.number);
  const next = stepperOf([{ key: 'call', http: { url: "'https://example.com'" } }], stepper.result.state).advance({
    outcomes: [{ number, result: { output: { body: 'x'.repeat(maxKeptLength) }, undo: { id: '1' } } }],
  });

  expect(next.result.status).toBe('FAILED');
  expect(next.result.changed).toMatchObject([{ state: 'FAILED', undo: { id: '1' }, problem: tooLarge }]);
  expect(next.state.outputs).toEqual({});
});
