import { LifecycleStage } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomField, CustomField_Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import type { AggregateCustomersRequest } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { beforeAll, expect, test } from 'vitest';
import { company, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

const caller = newCaller();

beforeAll(async () => {
  const types = {
    seats: CustomField_Type.NUMBER,
    score: CustomField_Type.DECIMAL,
    revenue: CustomField_Type.MONEY,
    news: CustomField_Type.BOOLEAN,
    hobbies: CustomField_Type.MULTI_SELECT,
  };
  for (const [key, type] of Object.entries(types)) {
    const options = key === 'hobbies' ? [{ value: 'Chess' }, { value: 'Go' }] : [];
    const customField = { ...CustomField.decode(new Uint8Array()), key, type, options };
    await customers.call('createCustomField', { customField }, caller);
  }
  const money = (amount: string, currencyCode: string) => ({ amount, currencyCode });
  const rows = [
    person({
      tags: ['x', 'y'],
      lifecycleStage: LifecycleStage.LEAD,
      addresses: [{ countryCode: 'DE' }, { countryCode: 'DE', city: 'Köln' }, { countryCode: 'FR' }],
      customFields: { seats: 0.1, score: '900000000000000000.000000001', revenue: money('0.10', 'EUR'), news: true },
    }),
    person({
      tags: ['x'],
      lifecycleStage: LifecycleStage.LEAD,
      customFields: { seats: 0.2, score: '0.000000002', revenue: money('0.20', 'EUR'), hobbies: ['Chess', 'Go'] },
    }),
    company({ tags: ['z'], customFields: { revenue: money('5', 'USD'), news: false, hobbies: ['Go'] } }),
  ];
  for (const row of rows) await customers.create(caller, row);
  await customers.delete(caller, (await customers.create(caller, person({ tags: ['x'] }))).id);
  await customers.create(newCaller(), person({ tags: ['x'] }));
});

function aggregate(request: Partial<AggregateCustomersRequest>) {
  return customers.call('aggregateCustomers', request, caller);
}

async function groups(request: Partial<AggregateCustomersRequest>) {
  const answer = await aggregate(request);
  return answer.groups.map(({ values, count }) => [...values.map(({ value }) => value), count]);
}

test('counts the live customers of the tenant that match the filter and q', async () => {
  expect(await aggregate({})).toMatchObject({ total: { count: 3, values: [], sums: [] }, groups: [] });
  expect(await aggregate({ filter: 'tags:x' })).toMatchObject({ total: { count: 2 } });
  expect(await aggregate({ filter: 'tags:x', q: 'analytical' })).toMatchObject({ total: { count: 0 } });
});

test.each<[string[], unknown[][]]>([
  [
    ['kind'],
    [
      ['PERSON', 2],
      ['COMPANY', 1],
    ],
  ],
  [
    ['lifecycle_stage'],
    [
      ['LEAD', 2],
      [undefined, 1],
    ],
  ],
  [
    ['tags'],
    [
      ['x', 2],
      ['y', 1],
      ['z', 1],
    ],
  ],
  [
    ['countryCode'],
    [
      [undefined, 2],
      ['DE', 1],
      ['FR', 1],
    ],
  ],
  [
    ['city'],
    [
      [undefined, 2],
      ['Köln', 1],
    ],
  ],
  [
    ['custom_fields.news'],
    [
      ['false', 1],
      ['true', 1],
      [undefined, 1],
    ],
  ],
  [
    ['custom_fields.hobbies'],
    [
      ['Go', 2],
      ['Chess', 1],
      [undefined, 1],
    ],
  ],
  [
    ['kind', 'tags'],
    [
      ['PERSON', 'x', 2],
      ['COMPANY', 'z', 1],
      ['PERSON', 'y', 1],
    ],
  ],
  [['owner_id'], [[undefined, 3]]],
  [['company_id', 'source'], [[undefined, undefined, 3]]],
])('groups by %s, the largest group first', async (groupBy, expected) => {
  expect(await groups({ groupBy })).toEqual(expected);
});

test('sums exactly, money by currency', async () => {
  const sum = ['custom_fields.seats', 'customFields.score', 'custom_fields.revenue'];
  const { total, groups } = await aggregate({ groupBy: ['kind'], sum });
  const persons = [
    { field: 'customFields.seats', value: '0.3' },
    { field: 'customFields.score', value: '900000000000000000.000000003' },
    { field: 'customFields.revenue', value: '0.30', currencyCode: 'EUR' },
  ];

  expect(total?.sums).toEqual([...persons, { field: 'customFields.revenue', value: '5.00', currencyCode: 'USD' }]);
  expect(groups.map(({ sums }) => sums)).toEqual([
    persons,
    [
      { field: 'customFields.seats', value: '0' },
      { field: 'customFields.score', value: '0' },
      { field: 'customFields.revenue', value: '5.00', currencyCode: 'USD' },
    ],
  ]);
});

test('sums of numbers have no zeros at the end of their decimals', async () => {
  const caller = newCaller();
  const customField = { ...CustomField.decode(new Uint8Array()), key: 'score', type: CustomField_Type.DECIMAL };
  await customers.call('createCustomField', { customField }, caller);
  for (const score of ['1.50', '98.500']) await customers.create(caller, person({ customFields: { score } }));

  const { total } = await customers.call('aggregateCustomers', { sum: ['customFields.score'] }, caller);

  expect(total?.sums).toEqual([{ field: 'customFields.score', value: '100' }]);
});

test.each<[Partial<AggregateCustomersRequest>, string, string]>([
  [{ groupBy: ['kind', 'display_name'] }, 'groupBy[1]', 'GROUP_INVALID'],
  [{ groupBy: ['custom_fields.seats'] }, 'groupBy[0]', 'GROUP_INVALID'],
  [{ groupBy: ['kind.x'] }, 'groupBy[0]', 'GROUP_INVALID'],
  [{ groupBy: ['constructor'] }, 'groupBy[0]', 'GROUP_INVALID'],
  [{ sum: ['custom_fields.seats', 'custom_fields.news'] }, 'sum[1]', 'SUM_INVALID'],
  [{ sum: ['seats'] }, 'sum[0]', 'SUM_INVALID'],
  [{ filter: 'tags > x' }, 'filter', 'FILTER_NOT_INDEXED'],
])('refuses %o', async (request, field, reason) => {
  await expect(aggregate(request)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: [{ field, reason }],
  });
});

test.each([
  [{ groupBy: ['kind,source'] }, 'groupBy[0]'],
  [{ sum: ['customFields.a,customFields.b'] }, 'sum[0]'],
])('says of %o that a parameter names one field', async (request, field) => {
  await expect(aggregate(request)).rejects.toMatchObject({
    violations: [{ field, description: 'must name one field; repeat it for each field' }],
  });
});

test('returns the 1,000 largest groups and reports that there are more', async () => {
  const caller = newCaller();
  const tags = Array.from({ length: 1_001 }, (_, index) => `t${index}`);
  const items = Array.from({ length: 26 }, (_, index) => person({ tags: tags.slice(index * 40, index * 40 + 40) }));
  for (const item of items) await customers.create(caller, item);

  const answer = await customers.call('aggregateCustomers', { groupBy: ['tags'] }, caller);

  expect(answer).toMatchObject({ groupsOmitted: true, total: { count: 26 } });
  expect(answer.groups).toHaveLength(1_000);
});
