import { afterAll, expect, it } from 'vitest';
import { EvaluationError, JsonataEvaluator } from './jsonata-evaluator.js';

const evaluator = new JsonataEvaluator();
const evaluate = evaluator.of('tenant');
afterAll(() => evaluator.onApplicationShutdown());

it('evaluates an expression on a value', async () => {
  expect(await evaluate('$uppercase($) & "!"', 'ada')).toBe('ADA!');
  expect(await evaluate('missing', {})).toBeNull();
});

it.each([
  ['that never ends', '($f := function($n) { $f($n + 1) }; $f(0))'],
  ['that goes too deep', '($f := function($n) { 1 + $f($n + 1) }; $f(0))'],
  ['that makes too many items', '[1..9000000]'],
  ['that makes too long a text', '$pad("x", 70000)'],
  ['that takes all memory', '($f := function($s) { $f($s & $s) }; $f("xxxxxxxxxxxxxxxx"))'],
  ['that takes all memory at once', '$replace($pad("a", 20000000, "a"), "a", "bbbbbbbb")'],
  ['of which a regular expression cannot be matched in linear time', '$contains("ab", /a(?=b)/)'],
  ['with a fault', '$uppercase('],
])('ends one %s, and evaluates the next', { timeout: 30_000 }, async (_what, expression) => {
  await expect(evaluate(expression, null)).rejects.toThrow(EvaluationError);
  expect(await evaluate('$ + 1', 1)).toBe(2);
});

it.each([
  ['$contains($, /^(a+)+$/)', `${'a'.repeat(60_000)}!`, false],
  ['$match($, /(\\d+)-(x)?/).groups', 'a 12-', ['12', null]],
  ['$replace($, /ADA/i, "Grace")', 'Ada and ada', 'Grace and Grace'],
  ['$split($, /[,;]\\s*/)', 'a, b;c', ['a', 'b', 'c']],
  ['$match($, /^\\w/m).match', 'a\nb', ['a', 'b']],
  ['$match($, /\u00e9/).index', 'caf\u00e9', 3],
])('matches %s in linear time', { timeout: 30_000 }, async (expression, input, result) => {
  expect(await evaluate(expression, input)).toEqual(result);
});

it('gives every tenant its turn, whatever the expressions of another take', { timeout: 60_000 }, async () => {
  const endless = '($f := function($n) { $f($n + 1) }; $f(0))';
  const order: string[] = [];
  const slow = Array.from({ length: 10 }, () =>
    evaluator
      .of('hostile')(endless, null)
      .catch(() => order.push('hostile')),
  );
  const quick = Array.from({ length: 50 }, async (_, index) => {
    expect(await evaluator.of('calm')('$ + 1', index)).toBe(index + 1);
    order.push('calm');
  });

  await Promise.all([...slow, ...quick]);

  expect(order).toHaveLength(60);
  expect(order.lastIndexOf('calm')).toBeLessThan(order.lastIndexOf('hostile'));
  expect(order.slice(0, 60 - 5).filter((tenant) => tenant === 'calm')).toHaveLength(50);
});
