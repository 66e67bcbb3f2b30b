import { expect, test } from 'vitest';
import { platformContract, recordContracts } from '../index.js';
import { celValues, checkExpression, evaluate, ExpressionError, isTrue, recordType, type CelType } from './index.js';

const deals = recordContracts(platformContract()).find(({ type }) => type === 'rapport/Deal');
if (!deals) throw new Error('The contract has no deals.');
const variables: Record<string, CelType> = {
  record: recordType(deals, [{ key: 'seats', type: 'NUMBER' }]),
  steps: { name: 'Steps', fields: { find: 'dyn' } },
  input: 'dyn',
  now: 'google.protobuf.Timestamp',
};
const json = {
  record: { title: '50 seats', probability: 20, stageTime: '2026-10-01T00:00:00Z', customFields: { seats: 50 } },
  steps: { find: { count: 0, records: [{ id: 'a' }, { id: 'b' }] } },
  input: { name: 'Ada', list: [1, 2], none: null },
  now: '2026-10-02T00:00:00Z',
};
const values = celValues(json, variables);

test.each([
  ["'Call ' + record.title", 'Call 50 seats'],
  ['record.probability + 1', 21],
  ['record.customFields.seats * 2.0', 100],
  ['steps.find.count == 0', true],
  ['steps.find.records.size()', 2],
  ['steps.find.records.filter(r, r.id != "a")', [{ id: 'b' }]],
  ['record.stageTime', '2026-10-01T00:00:00.000Z'],
  ['string(record.stageTime + duration("60s"))', '2026-10-01T00:01:00.000Z'],
  ['now - record.stageTime', '86400s'],
  ['duration("-1.5s")', '-1.500000000s'],
  [
    "{'id': record.title, 'deep': {'n': 1, 'list': [1, 'a', null]}}",
    { id: '50 seats', deep: { n: 1, list: [1, 'a', null] } },
  ],
  ['input.none', null],
  ['5u', 5],
  ['b"ab"', 'YWI='],
  ['{}', {}],
  ['decimal("0.1") + decimal("0.2")', '0.3'],
  ["'€ ' + string(decimal('12.50') * decimal(2))", '€ 25.0'],
])('%s is %o', (text, expected) => {
  expect(checkExpression(text, { variables })).toBeUndefined();
  expect(evaluate(text, values)).toEqual(expected);
});

test.each([
  ['input.absent', 'No such key: absent'],
  ['input.constructor', 'No such key: constructor'],
  ['record.closeDate', 'No such key: closeDate'],
  ['1 / (record.probability - 20)', 'division by zero'],
  ['1.0 / 0.0', 'The value is not a finite number.'],
  ['9007199254740993', 'The number is too large for JSON.'],
])('%s has no value: %s', (text, message) => {
  expect(checkExpression(text, { variables })).toBeUndefined();
  expect(() => evaluate(text, values)).toThrow(new ExpressionError(message));
  expect(isTrue(text, values)).toBe(false);
});

test.each([
  ['record.titel', 'No such key: titel'],
  ['steps.later.id', 'No such key: later'],
  ['item.id', 'Unknown variable: item'],
  ['int', 'has the type type, not any'],
  ['input.list.map(each, each)', 'map is not supported'],
])('%s is refused: %s', (text, description) => {
  const reason = 'BAD_EXPRESSION';
  expect(checkExpression(text, { variables })).toEqual({
    reason,
    description: `must be an expression in CEL: ${description}`,
  });
});

const text = 'A'.repeat(32_000);
const numbers = Array.from({ length: 16_000 }, (_, index) => index);
const records = Array.from({ length: 1_000 }, (_, index) => ({ id: `${index}`, text: 'Some words. '.repeat(100) }));
const needle = `${'A'.repeat(8_000)}B${'A'.repeat(8_000)}`;

test.each([
  ['a loop over a list through a text', 'input.list.exists(x, input.text.lowerAscii().contains("b"))'],
  ['a loop over a list through a list', 'input.list.all(x, x in input.list)'],
  ['a loop that compares lists', 'input.list.exists(x, input.list != input.copy)'],
  ['a search for a long text in a long text', '(input.text + input.text).contains(input.needle)'],
  ['a search in a part of a list', 'input.list.exists(x, input.parts[1].contains("b"))'],
  ['a size in a loop', 'input.list.exists(x, input.text.size() == 0)'],
  ['a loop in a condition', 'input.ok ? true : input.list.exists(x, (input.text + "b").contains("b"))'],
])('%s has no value when it would hold up the process', (_name, expression) => {
  const large = celValues(
    { input: { list: numbers, copy: [...numbers], text, needle, parts: ['', text], ok: false } },
    variables,
  );

  expect(checkExpression(expression, { variables })).toBeUndefined();
  expect(() => evaluate(expression, large)).toThrow('It would take too long with values of this size.');
  expect(isTrue(expression, large)).toBe(false);
});

test.each([
  ['input.list.filter(x, x > 15998.0)', [15_999]],
  ['input.records.filter(r, r.id == input.records[7].id && r.text.contains("word"))', [records[7]]],
  ['input.records.exists(r, r.text.lowerAscii().contains("other"))', false],
  ['input.ids.all(id, id in input.ids)', true],
  ['input.text.contains("B")', false],
  ['size(input.records.filter(r, size(input.records) == 1000))', 1_000],
])('%s has a value for a list as large', (expression, expected) => {
  const ids = records.slice(0, 300).map(({ id }) => id);

  expect(evaluate(expression, celValues({ input: { list: numbers, records, ids, text } }, variables))).toEqual(
    expected,
  );
});

test.each([
  ['bool', 'input.ok', undefined],
  ['bool', 'record.title', 'must be a condition: has the type string, not bool'],
  ['list', 'record.tags', undefined],
  ['list', 'input.list', undefined],
  ['list', 'record.title', 'must be an expression in CEL: has the type string, not list'],
  ['string', 'record.title', undefined],
  ['string', 'record.probability', 'must be an expression in CEL: has the type int, not string'],
] as const)('the result is a %s: %s', (result, text, description) => {
  expect(checkExpression(text, { variables, result })?.description).toBe(description);
});

test('every type of records has a type in expressions', () => {
  const contract = platformContract();
  for (const each of recordContracts(contract)) {
    expect(checkExpression('record.id', { variables: { record: recordType(each, []) } })).toBeUndefined();
  }
});
