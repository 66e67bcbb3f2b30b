import { describe, expect, test } from 'vitest';
import { exchangedType } from '../records/exchanged-types.js';
import { recordChanges, recordValue, wholeValues } from './field-values.js';

const deals = exchangedType('deals');
const deal = { ...deals.emptyRecord(), id: '1', etag: '"1"', amount: { currencyCode: 'USD', amount: '5' } };
const without = { ...deal, amount: undefined };
const defaults = { pipelineId: 'p', 'amount.currencyCode': 'EUR' };

describe('an object', () => {
  test('is written whole: what is not exchanged stays, or is a default', () => {
    const amount = new Map([['amount.amount', '7']]);

    expect(wholeValues(deals, amount, deal, defaults).get('amount')).toEqual({ currencyCode: 'USD', amount: '7' });
    expect(wholeValues(deals, amount, without, defaults).get('amount')).toEqual({ currencyCode: 'EUR', amount: '7' });
  });

  test('is none when a required part is', () => {
    const cleared = new Map([['amount.amount', null]]);

    expect(wholeValues(deals, cleared, deal, defaults)).toEqual(new Map([['amount', null]]));
    expect(recordChanges(deals, new Map([['amount', null]]))).toEqual({
      record: { amount: undefined },
      mask: ['amount'],
    });
  });

  test('is read by its parts', () => {
    expect(recordValue(deals, deal, 'amount.currencyCode')).toBe('USD');
    expect(recordValue(deals, without, 'amount.currencyCode')).toBeNull();
  });
});

test('a new record gets all defaults, and an old one none', () => {
  const title = new Map([['title', 'A']]);

  expect([...wholeValues(deals, title, undefined, { pipelineId: 'p' })]).toEqual([
    ['pipelineId', 'p'],
    ['title', 'A'],
  ]);
  expect([...wholeValues(deals, title, deal, { pipelineId: 'p' })]).toEqual([['title', 'A']]);
});

test('an enum is its name in JSON and its number in a message', () => {
  const customers = exchangedType('customers');
  const customer = { ...customers.emptyRecord(), id: '1', etag: '"1"', lifecycleStage: 2 };
  const name = recordValue(customers, customer, 'lifecycleStage');

  expect(typeof name).toBe('string');
  expect(recordChanges(customers, new Map([['lifecycleStage', name]])).record).toEqual({ lifecycleStage: 2 });
  expect(recordChanges(customers, new Map([['lifecycleStage', null]])).record).toEqual({ lifecycleStage: 0 });
});
