import { afterAll, beforeEach, expect, test } from 'vitest';
import { MergingTenant } from './merging-tenant.js';
import { person, sharedCustomers } from './running-customers.js';
import { OtherWrite } from './other-write.js';
import { superuserOf } from './superuser.js';

const customers = await sharedCustomers();

const superuser = await superuserOf(customers.urls.appUrl);
afterAll(() => superuser.end());

let tenant: MergingTenant;

beforeEach(() => {
  tenant = new MergingTenant(customers);
});

test.each([
  ['in the order of the merges', [0, 1]],
  ['in reverse order', [1, 0]],
])('merges at both ends of associations leave no trace when undone, %s', async (_, order) => {
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

test('an association that a merge removed stays removed after the customer at its other end is erased', async () => {
  const ids = await Promise.all([0, 1, 2].map(async () => (await tenant.create(person())).id));
  const [stays = '', merged = '', erased = ''] = ids;
  await tenant.associate(stays, erased);
  await tenant.associate(merged, erased);
  const { record } = await tenant.merge(stays, merged);
  await customers.call('eraseCustomer', { id: erased, erasure: { reason: 'x' } }, tenant.caller);

  await tenant.unmerge(record.id);

  expect(await Promise.all([tenant.links(stays), tenant.links(merged)])).toEqual([[], []]);
});

test('an unmerge changes only the associations of another merge, even during an encryption', async () => {
  const ids = await Promise.all([0, 1, 2, 3].map(async () => (await tenant.create(person())).id));
  const [a = '', s = '', c = '', d = ''] = ids;
  await tenant.associate(a, c);
  await tenant.associate(s, d);
  const [first, second] = [await tenant.merge(s, a), await tenant.merge(d, c)];
  const undoOfSecond = async () =>
    (await superuser.query<{ undo: Undo }>('select undo from customer_merge where id = $1', [second.record.id])).rows[0]
      ?.undo;
  await superuser.query('begin');
  await superuser.query(
    `update customer_merge set undo = jsonb_set(undo, '{before,tags}', '["sealed"]') where id = $1`,
    [second.record.id],
  );

  const unmerged = tenant.unmerge(first.record.id);
  await new OtherWrite(superuser).untilWaiting(1);
  await superuser.query('commit');
  await unmerged;

  expect(await undoOfSecond()).toMatchObject({
    before: { tags: ['sealed'] },
    links: { removed: [{ from_customer_id: a }] },
  });
  await tenant.unmerge(second.record.id);
  expect(await tenant.links(a)).toEqual([`${a} knows ${c}`]);
});

interface Undo {
  before: object;
  links: { removed: { from_customer_id: string }[] };
}
