import { afterAll, expect, it } from 'vitest';
import { EvaluationError, JsonataEvaluator } from './jsonata-evaluator.js';

const evaluator = new JsonataEvaluator();
afterAll(() => evaluator.onApplicationShutdown());

it('evaluates an expression on a value', async () => {
  expect(await evaluator.evaluate('$uppercase($) & "!"', 'ada')).toBe('ADA!');
  expect(await evaluator.evaluate('missing', {})).toBeNull();
});

it.each([
  ['that never ends', '($f := function($n) { $f($n + 1) }; $f(0))'],
  ['that goes too deep', '($f := function($n) { 1 + $f($n + 1) }; $f(0))'],
  ['that makes too many items', '[1..9000000]'],
  ['that makes too long a text', '$pad("x", 70000)'],
  ['that takes all memory', '($f := function($s) { $f($s & $s) }; $f("xxxxxxxxxxxxxxxx"))'],
  ['of which a regular expression backtracks', '$contains("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", /^(a+)+$/)'],
  ['with a fault', '$uppercase('],
])('ends one %s, and goes on with the next', { timeout: 30_000 }, async (_what, expression) => {
  await expect(evaluator.evaluate(expression, null)).rejects.toThrow(EvaluationError);
  expect(await evaluator.evaluate('$ + 1', 1)).toBe(2);
});
