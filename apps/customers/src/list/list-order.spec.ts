import { expect, test } from 'vitest';
import type { Customer } from '../customer.entity.js';
import { positionOf } from './list-order.js';

test('a customer without a value of a custom field is in the place of those without, whatever the key is', () => {
  const customer = { id: '1', orderValues: { plan: 'gold' } } as unknown as Customer;
  const position = (customField: string) =>
    positionOf({ name: `custom_fields.${customField}`, direction: 'asc', by: { customField } }, customer);

  expect([position('constructor'), position('plan')]).toEqual([
    [null, '1'],
    ['gold', '1'],
  ]);
});
