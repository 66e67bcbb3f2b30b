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
