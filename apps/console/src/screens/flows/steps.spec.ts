import { expect, test } from 'vitest';
import { linesOf, moved, newStep, withStep, without, type Line } from './steps.ts';

const definition = {
  steps: [
    { key: 'look', find: { type: 'deal' } },
    {
      key: 'choose',
      switch: { cases: [{ condition: 'true', steps: [{ key: 'call', addTask: {} }] }], otherwise: [] },
    },
    { key: 'each', for: { in: 'steps.look.records', steps: [{ key: 'note', addNote: {} }] } },
  ],
};

const shown = (lines: readonly Line[]) =>
  lines.map(({ step, branch, depth }) => `${' '.repeat(depth)}${step ? String(step.key) : branch?.kind}`);

const lineOf = (id: string) => linesOf(definition).find((line) => line.id === id)!;

test('lists steps and branches from top to bottom, each below what it is in', () => {
  expect(shown(linesOf(definition))).toEqual(['look', 'choose', ' case', '  call', ' otherwise', 'each', ' note']);
});

test('adds a step behind another one, into a branch, and at the end', () => {
  const step = newStep(definition, 'addTask');
  expect(step).toEqual({ key: 'add_task', addTask: {} });

  const behind = withStep(definition, lineOf('/steps/0'), step);
  expect([behind.id, shown(linesOf(behind.definition))[1]]).toEqual(['/steps/1', 'add_task']);
  const within = withStep(definition, lineOf('/steps/1/switch/otherwise#'), step);
  expect(within.id).toBe('/steps/1/switch/otherwise/0');
  expect(shown(linesOf(within.definition))[5]).toBe('  add_task');
  expect(withStep(definition, undefined, step).id).toBe('/steps/3');
});

test('gives each new step a key of its own', () => {
  const once = withStep(definition, undefined, newStep(definition, 'http')).definition;
  expect(newStep(once, 'http').key).toBe('http_2');
});

test('moves a step within its list, and not out of it', () => {
  expect(shown(linesOf(moved(definition, lineOf('/steps/2'), -1)!.definition))).toEqual([
    ...['look', 'each', ' note', 'choose', ' case', '  call', ' otherwise'],
  ]);
  expect(moved(definition, lineOf('/steps/0'), -1)).toBeUndefined();
});

test('removes steps, cases, and the steps of a branch that stays', () => {
  expect(shown(linesOf(without(definition, lineOf('/steps/1'))))).toEqual(['look', 'each', ' note']);
  expect(shown(linesOf(without(definition, lineOf('/steps/1/switch/cases/0#'))))).toEqual([
    ...['look', 'choose', ' otherwise', 'each', ' note'],
  ]);
});
