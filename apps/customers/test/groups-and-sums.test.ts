import { camelCase } from '@rapport/contracts';
import { groupDatesOf, groupFieldsOf } from '@rapport/contracts/filters';
import { expect, test } from 'vitest';
import { recordTypes } from '../src/engine/fields/record-type.js';
import { newCaller, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

const aggregated = [...recordTypes()].flatMap((type) => {
  const method = `aggregate${type.plural.charAt(0).toUpperCase()}${type.plural.slice(1)}`;
  // Records of custom objects need an object.
  return method in type.methods && type.singular !== 'objectRecord' ? [{ method, type }] : [];
});

test.each(aggregated)('$method takes each group and sum that the contract names', async ({ method, type }) => {
  const { contract, namedFields } = type;
  const dates = [...groupDatesOf(contract).keys()].map((name) => `${camelCase(name)}.month`);
  const groups = [...[...groupFieldsOf(contract).keys()].map(camelCase), ...dates];
  const sum = namedFields.filter(({ field }) => field.index.sum).map(({ name }) => camelCase(name));
  const caller = newCaller();

  for (const group of groups) {
    const answer = await customers.call(method as 'aggregateDeals', { groupBy: [group], sum }, caller);
    expect(answer.groups, group).toEqual([]);
  }
  expect(groups).not.toEqual([]);
});
