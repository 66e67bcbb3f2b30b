import { ExpressionError } from '@rapport/contracts/expressions';
import { HttpMethod, Step } from '@rapport/contracts/rapport/flows/v1/steps';
import { expect, test } from 'vitest';
import { resolveStep } from './resolve-step.js';

const values: Readonly<Record<string, unknown>> = {
  'record.id': 'd1',
  record: { id: 'd1', ownerId: 'u1' },
  now: '2026-11-29T08:00:00Z',
  amount: { currencyCode: 'EUR', amount: '12.50' },
  "'Call ' + record.title": 'Call Lyra',
  url: 'https://erp.example.com/d1',
  number: 4711,
};

function evaluate(expression: string): unknown {
  if (expression in values) return values[expression];
  throw new ExpressionError(`${expression} has no value.`);
}

const step = (content: object) => Step.fromPartial({ key: 'one', ...content });

test('fields are objects by name, and keep the JSON of their values', () => {
  const fields = [
    { field: 'amount', value: 'amount' },
    { field: 'customFields.number', value: 'number' },
  ];
  expect(resolveStep(step({ update: { type: 'deal', id: 'record.id', fields } }), evaluate)).toEqual({
    ...{ type: 'deal', id: 'd1' },
    fields: { amount: { currencyCode: 'EUR', amount: '12.50' }, 'customFields.number': 4711 },
  });
});

test('a reply without a ticket answers the record of the run, and a message has the texts of its expressions', () => {
  const reply = { text: "'Call ' + record.title", thenStatus: 'pending' };
  expect(resolveStep(step({ reply }), evaluate)).toEqual({ ticketId: 'd1', text: 'Call Lyra', thenStatus: 'pending' });
  const send = { to: ['url', 'number'], subject: "'Call ' + record.title", text: 'url' };
  const url = 'https://erp.example.com/d1';
  expect(resolveStep(step({ send }), evaluate)).toEqual({ to: [url, '4711'], subject: 'Call Lyra', text: url });
});

test('a move without a deal moves the record of the run', () => {
  expect(resolveStep(step({ moveStage: { stage: 'won' } }), evaluate)).toEqual({
    dealId: 'd1',
    stage: 'won',
    fields: {},
  });
});

test('a task is due a fixed time after the step, for the owner of the record', () => {
  const addTask = { subject: "'Call ' + record.title", dueInSeconds: 3_600 };
  expect(resolveStep(step({ addTask }), evaluate)).toEqual({
    ...{ subject: 'Call Lyra', dueTime: '2026-11-29T09:00:00.000Z', ownerId: 'u1', fields: {} },
  });
});

test('a run without a record has no default assignee', () => {
  const alone = (expression: string) => evaluate(expression === 'record' ? 'nothing' : expression);
  expect(resolveStep(step({ addTask: { subject: 'url' } }), alone)).toEqual({
    ...{ subject: 'https://erp.example.com/d1', fields: {} },
  });
});

test('a call has the name of its secret, not the secret', () => {
  const http = { url: 'url', headers: [{ name: 'x-number', value: 'number' }], body: 'amount', secretName: 'erp' };
  expect(resolveStep(step({ http }), evaluate)).toEqual({
    ...{ method: HttpMethod[HttpMethod.POST], url: 'https://erp.example.com/d1', secretName: 'erp' },
    ...{ headers: { 'x-number': '4711' }, body: { currencyCode: 'EUR', amount: '12.50' } },
  });
});

test.each([['amount'], ['record']])('an id that is no text fails as an expression: %s', (id) => {
  expect(() => resolveStep(step({ delete: { type: 'deal', id } }), evaluate)).toThrow(ExpressionError);
});

test('an expression without a value fails as an expression', () => {
  expect(() => resolveStep(step({ delete: { type: 'deal', id: 'missing' } }), evaluate)).toThrow(
    'missing has no value',
  );
});
