import { ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import { expect, it } from 'vitest';
import { eventTypeOf, eventTypes, wants } from './event-types.js';

const update = { type: 'customer.updated', changed_fields: ['emails', 'tags'] };

it.each<[string[], string[], boolean]>([
  [['*'], [], true],
  [['customer.*'], [], true],
  [['customer.updated'], [], true],
  [['customer.created', 'merge.*'], [], false],
  [['*'], ['emails'], true],
  [['*'], ['displayName'], false],
])('an endpoint for %j and fields %j wants an update of e-mail addresses: %j', (types, fields, expected) => {
  expect(wants({ eventTypes: types, fields }, update)).toBe(expected);
});

it('fields filter updates only', () => {
  const endpoint = { eventTypes: ['customer.*'], fields: ['emails'] };
  expect(wants(endpoint, { type: 'customer.deleted', changed_fields: [] })).toBe(true);
});

it('everybody is told of a gap', () => {
  const type = eventTypeOf({ type: 'customer', operation: ChangeOperation.GAP });
  expect(wants({ eventTypes: ['merge.created'], fields: ['emails'] }, { type, changed_fields: [] })).toBe(true);
});

it('knows every operation that the contract has', () => {
  const operations = Object.values(ChangeOperation).filter(
    (value) => typeof value === 'number' && value !== ChangeOperation.UNSPECIFIED,
  );
  const types = operations.map((operation) => eventTypeOf({ type: 'customer', operation: operation }));
  expect(types.filter((type) => !eventTypes.has(type))).toEqual(['changes.gap']);
});
