import { expect, test } from 'vitest';
import { callErrorOf, isConflict, isConnectionLoss } from './database-errors.js';

function errorWith(code: string): Error {
  return Object.assign(new Error('from pg'), { code });
}

test.each(['08006', '08P01', '28000', '28P01', '53300', '57P01', '57P02', '57P03', 'ECONNREFUSED', 'ECONNRESET'])(
  '%s is a loss of connection',
  (code) => {
    expect(isConnectionLoss(errorWith(code))).toBe(true);
  },
);

test.each([
  'Connection terminated unexpectedly',
  'timeout expired',
  'timeout exceeded when trying to connect',
  'Query read timeout',
])('"%s" is a loss of connection', (message) => {
  expect(isConnectionLoss(new Error(message))).toBe(true);
});

test('distinguishes conflicts, lost connections and other errors', () => {
  expect(['40001', '40P01', '23505', '57P01'].map((code) => isConflict(errorWith(code)))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(['40001', '23505', '57014'].map((code) => isConnectionLoss(errorWith(code)))).toEqual([false, false, false]);
  expect([isConflict('40001'), isConnectionLoss(undefined)]).toEqual([false, false]);
});

test('a full volume is a refusal that says when to retry, not a lost connection', () => {
  expect(isConnectionLoss(errorWith('53100'))).toBe(false);
  expect(callErrorOf(errorWith('53100'))).toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    reason: 'STORAGE_FULL',
    retryAfterSeconds: 30,
  });
});
