import { expect, test } from 'vitest';
import { completionsAt } from './completion.ts';

const known = {
  record: { title: {}, amount: { amount: {}, currencyCode: {} } },
  steps: { call: {}, note: {} },
  now: {},
};

test.each<[string, string[] | undefined]>([
  ['re', ['record']],
  ['record.', ['title', 'amount']],
  ['record.amount.c', ['currencyCode']],
  ['has(record.T', ['title']],
  ["'Hello ' + steps.n", ['note']],
  ['s', ['steps', 'size(', 'string(']],
  ['record.title', undefined],
  ['record.unknown.', undefined],
  ['', undefined],
  ['1 + ', undefined],
  ["'record.", undefined],
  [String.raw`'it\'s re`, undefined],
  ['steps.call[0].', undefined],
])('%s is completed by %j', (expression, names) => {
  expect(completionsAt(known, expression, expression.length)?.names).toEqual(names);
});

test('a completion replaces the part before the caret', () => {
  expect(completionsAt(known, 'record.ti + 1', 9)).toEqual({ from: 7, written: 'ti', names: ['title'] });
});
