import { beforeEach, expect, test } from 'vitest';
import { sizeOf, soakTimeoutMs } from '@rapport/testing';
import { v7 } from 'uuid';
import { content, MergingTenant } from './merging-tenant.js';
import { person, sharedCustomers } from './running-customers.js';
import { superuserOf } from './superuser.js';

const customers = await sharedCustomers();

let tenant: MergingTenant;

beforeEach(() => {
  tenant = new MergingTenant(customers);
});

const rounds = sizeOf('MERGE_RACE_ROUNDS', { short: 4, long: 1_000 });

async function fourPersons() {
  const [a, b, c, d] = await Promise.all([1, 2, 3, 4].map(async () => (await tenant.create(person())).id));
  if (!a || !b || !c || !d) throw new Error('Four persons.');
  return { a, b, c, d };
}

test(
  'merges and unmerges at both ends of parallel associations wait for each other',
  { timeout: soakTimeoutMs },
  async () => {
    for (let round = 0; round < rounds; round += 1) {
      const { a, b, c, d } = await fourPersons();
      await Promise.all([tenant.associate(a, c), tenant.associate(b, d)]);

      const merges = await Promise.all([tenant.merge(b, a), tenant.merge(d, c)]);
      expect(await tenant.links(b)).toEqual([`${b} knows ${d}`]);
      await Promise.all(merges.map(({ record }) => tenant.unmerge(record.id)));
      expect([await tenant.links(a), await tenant.links(b)]).toEqual([[`${a} knows ${c}`], [`${b} knows ${d}`]]);
    }
  },
);

test(
  'an association created during a merge of its customers moves with them or is refused',
  { timeout: soakTimeoutMs },
  async () => {
    for (let round = 0; round < rounds; round += 1) {
      const { a, b, c, d } = await fourPersons();
      const [made, same] = await Promise.allSettled([
        tenant.associate(a, c),
        tenant.associate(b, d),
        tenant.merge(b, a),
        tenant.merge(d, c),
      ]);

      // After both merges the first one links the same customers.
      if (same.status === 'rejected') {
        expect(same.reason).toMatchObject({
          reason: 'ASSOCIATION_EXISTS',
          metadata: { associationId: made.status === 'fulfilled' && made.value },
        });
      }
      if (made.status === 'rejected') {
        expect(made.reason).toMatchObject({
          code: 'INVALID_ARGUMENT',
          message: expect.stringContaining('must be the id of a live customer') as string,
        });
      }
      expect(await tenant.links(b)).toEqual([`${b} knows ${d}`]);
    }
  },
);

test('the order of merges is that of the database, independent of the clocks of pods', async () => {
  const [a, b, c] = await Promise.all([
    tenant.create(person({ jobTitle: 'a' })),
    tenant.create(person({ source: 'b' })),
    tenant.create(person({ source: 'c' })),
  ]);
  const first = await tenant.merge(a.id, b.id);
  const ahead = v7({ msecs: Date.now() + 3_600_000 });
  await withoutTriggers('update customer_merge set id = $1 where id = $2', [ahead, first.record.id]);
  const second = await tenant.merge(a.id, c.id);

  const { merges } = await customers.call('listMerges', { customerId: a.id }, tenant.caller);
  expect(merges.map(({ id }) => id)).toEqual([second.record.id, ahead]);
  expect((await tenant.unmerge(ahead)).customer.source).toBe('c');
  expect(content((await tenant.unmerge(second.record.id)).customer)).toEqual(content(a));
});

/** Writes without an entry in the log: changing an id is a gap for all tenants, whose tests run beside this one. */
async function withoutTriggers(sql: string, values: unknown[]): Promise<void> {
  const superuser = await superuserOf(customers.urls.ownerUrl);
  await superuser.query('set session_replication_role = replica');
  await superuser.query(sql, values);
  await superuser.end();
}
