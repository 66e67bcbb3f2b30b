import { beforeEach, expect, test } from 'vitest';
import { MergingTenant } from './merging-tenant.js';
import { person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let tenant: MergingTenant;

beforeEach(() => {
  tenant = new MergingTenant(customers);
});

test.each([
  ['in the order in which they were made', [0, 1]],
  ['the last one first', [1, 0]],
])('merges at both ends of links leave no trace once they are taken back, %s', async (_, order) => {
  const linked: [number, number][][] = [
    [
      [0, 2],
      [1, 3],
    ],
    [
      [0, 2],
      [1, 2],
    ],
    [
      [0, 2],
      [0, 3],
      [1, 2],
      [1, 3],
    ],
    [
      [0, 3],
      [1, 2],
    ],
    [
      [0, 1],
      [2, 0],
      [3, 1],
    ],
  ];
  for (const ends of linked) {
    const ids = await Promise.all([0, 1, 2, 3].map(async () => (await tenant.create(person())).id));
    const [a = '', s = '', c = '', d = ''] = ids;
    for (const [from, to] of ends) await tenant.associate(ids[from] ?? '', ids[to] ?? '');
    const before = await Promise.all(ids.map(async (id) => (await tenant.links(id)).toSorted()));
    const merges = [await tenant.merge(s, a), await tenant.merge(d, c)];

    for (const index of order) await tenant.unmerge(merges[index]?.record.id ?? '');

    const after = await Promise.all(ids.map(async (id) => (await tenant.links(id)).toSorted()));
    expect(after, JSON.stringify(ends)).toEqual(before);
  }
});

test('a link that a merge removed stays removed once the customer at its other end is erased', async () => {
  const ids = await Promise.all([0, 1, 2].map(async () => (await tenant.create(person())).id));
  const [stays = '', merged = '', erased = ''] = ids;
  await tenant.associate(stays, erased);
  await tenant.associate(merged, erased);
  const { record } = await tenant.merge(stays, merged);
  await customers.call('eraseCustomer', { id: erased, erasure: { reason: 'x' } }, tenant.caller);

  await tenant.unmerge(record.id);

  expect(await Promise.all([tenant.links(stays), tenant.links(merged)])).toEqual([[], []]);
});
