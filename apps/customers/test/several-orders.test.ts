import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { camelPath } from '@rapport/contracts';
import { createOrm, tenantSession } from '@rapport/persistence';
import { callContext, type Caller } from '@rapport/platform';
import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { entities } from '../src/database.js';
import { customers as type } from '../src/domain/customers/customers.js';
import { conditionsOf } from '../src/engine/query/list/list-conditions.js';
import type * as Planner from '../src/engine/query/list/planner-settings.js';
import { readList } from '../src/engine/query/list/read-list.js';
import { planOf, rowsRead, rowsReadAgain, tablesReadWhole } from './query-plan.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';
import { seedTenants, startSeeded } from './seeded-tenant.js';

type Read = Parameters<typeof planOf>[1];
const reads = vi.hoisted<{ all: Read[] }>(() => ({ all: [] }));

// Lists are read as usual; their statements are also recorded, to explain them.
vi.mock('../src/engine/query/list/planner-settings.js', async (load) => {
  const planner = await load<typeof Planner>();
  const executeWith: typeof planner.executeWith = (em, settings, statement, name) => {
    reads.all.push({ sql: statement.sql, params: statement.params, settings });
    return planner.executeWith(em, settings, statement, name);
  };
  return { ...planner, executeWith };
});

const seed = printedSeed('several-orders');
const sizes = {
  /** In the long form. The short one has the tenant of all tests with more customers than a small one. */
  customers: sizeOf('SEVERAL_ORDERS_CUSTOMERS', { short: 0, long: 100_000 }),
  walks: sizeOf('SEVERAL_ORDERS_WALKS', { short: 2, long: 150 }),
};
let service: RunningCustomers;
let superuser: pg.Client;
let orm: MikroORM;
let em: EntityManager;
let caller: Caller;

// A service of its own: the planner's statistics cover its rows alone.
beforeAll(async () => {
  const { customers, tenants } = isSoak ? await startLarge() : await startSeeded();
  service = customers;
  caller = { ...newCaller(), tenantId: tenants[0]?.tenantId ?? '' };
  superuser = await service.connectAsSuperuser();
  await superuser.query('set session_replication_role = replica');
  // Groups of equal values larger than the limit of a scan, and one of a few hundred.
  for (const [set, place] of [
    [`company_name = 'Acme', company_sort_name = 'acme'`, '% 10 in (0, 1, 2, 3)'],
    [`create_time = '2024-02-29T12:00:00Z'`, '% 10 in (3, 4, 5, 6)'],
    [`update_time = '2024-02-29T12:00:00Z'`, '% 40 = 7'],
  ]) {
    await superuser.query(
      `update customer set ${set} where (tenant_id, id) in (select tenant_id, id from
         (select tenant_id, id, row_number() over (order by id) as place from customer where tenant_id = $1) numbered where place ${place})`,
      [caller.tenantId],
    );
  }
  await superuser.query('vacuum analyze customer');
  orm = createOrm({ databaseUrl: service.urls.appUrl, entities });
  em = orm.em.fork({ session: tenantSession(caller.tenantId) });
}, 300_000);

async function startLarge() {
  const customers = await RunningCustomers.start();
  return { customers, tenants: await seedTenants(customers, { customers: sizes.customers, tenants: 1, seed }) };
}

afterAll(async () => {
  await superuser.end();
  await orm.close();
  await service.stop();
});
beforeEach(() => {
  reads.all = [];
});

const stages = ['SUBSCRIBER', 'LEAD', 'QUALIFIED', 'OPPORTUNITY', 'CUSTOMER', 'FORMER_CUSTOMER'];
/** The orders, and the oracle's sort keys. */
const keys: Record<string, string> = {
  displayName: 'sort_name',
  familyName: 'family_sort_name',
  companyName: 'company_sort_name',
  createTime: 'create_time',
  updateTime: 'update_time',
  kind: `case kind when 'PERSON' then 1 when 'COMPANY' then 2 end`,
  lifecycleStage: `array_position(array['${stages.join(`', '`)}'], lifecycle_stage)`,
  'customFields.seats': `order_values->>'seats' collate "C"`,
  'customFields.contract_start': `order_values->>'contract_start' collate "C"`,
};
const filters = new Map<string, string>([
  ['', 'true'],
  ['kind = COMPANY', `kind = 'COMPANY'`],
  ['tags:b2c', `'b2c' = any(tags)`],
  ['lifecycle_stage = FORMER_CUSTOMER', `lifecycle_stage = 'FORMER_CUSTOMER'`],
  ['-custom_fields.seats:*', `custom_fields->'seats' is null`],
  ['create_time >= 2024-02-29', `create_time >= '2024-02-29'`],
  ['company_name = acme', `company_name = 'Acme'`],
  ['kind = PERSON', `kind = 'PERSON'`],
  ['display_name = nobody', 'false'],
]);
const direction = fc.constantFrom('', ' desc');
const orders = fc
  .shuffledSubarray(Object.keys(keys), { minLength: 2, maxLength: 3 })
  .chain((names) => fc.tuple(...names.map((name) => direction.map((sense) => `${name}${sense}`))));

/** The ids of a whole list, from one sort. */
async function sorted(orders: readonly string[], filter: string): Promise<string[]> {
  const last = (orders.at(-1) ?? '').split(' ')[0] ?? '';
  const all = ['kind', 'lifecycleStage'].includes(last) ? [...orders, 'createTime desc'] : orders;
  const terms = all.map((order) => {
    const [name = '', sense = 'asc'] = order.split(' ');
    return `${keys[name]} ${sense} nulls last`;
  });
  const sense = all.at(-1)?.endsWith(' desc') ? 'desc' : 'asc';
  const { rows } = await superuser.query<{ id: string }>(
    `select id from customer where tenant_id = $1 and delete_time is null and ${filters.get(filter)}
     order by ${terms.join(', ')}, id ${sense}`,
    [caller.tenantId],
  );
  return rows.map(({ id }) => id);
}

async function walked(
  orderBy: string,
  filter: string,
  { pageSize = 200, between }: { pageSize?: number; between?: () => Promise<void> } = {},
): Promise<string[]> {
  const ids: string[] = [];
  let pageToken: string | undefined;
  do {
    const answer = await service.call('listCustomers', { orderBy, filter, pageSize, pageToken }, caller);
    ids.push(...answer.customers.map(({ id }) => id));
    pageToken = answer.nextPageToken;
    await between?.();
  } while (pageToken !== undefined);
  return ids;
}

test(
  'pages in several orders return each unchanged row exactly once, in order, under concurrent changes',
  async () => {
    const { rows } = await superuser.query<{ id: string }>(
      `select id from customer where tenant_id = $1 and kind = 'PERSON' and delete_time is null order by id limit 90`,
      [caller.tenantId],
    );
    const touched = rows.map(({ id }) => id);
    let round = 0;
    let rowsMet = 0;
    const walks = fc.sample(fc.tuple(orders, fc.constantFrom(...filters.keys())), { numRuns: sizes.walks, seed });
    for (const [orderBy, filter] of walks) {
      const before = await sorted(orderBy, filter);
      const met = await walked(orderBy.join(', '), filter, {
        between: async () => {
          round += 1;
          if (round % 5 === 0) await disturb(touched, round);
        },
      });
      const still = new Set(before.filter((id) => !touched.includes(id) && !made.has(id)));
      expect(
        met.filter((id) => still.has(id)),
        `${orderBy.join(', ')} of ${filter}`,
      ).toEqual(before.filter((id) => still.has(id)));
      rowsMet += met.length;
    }
    printTally('several-orders', { walks: sizes.walks, rowsMet });
  },
  soakTimeoutMs,
);

const made = new Set<string>();

async function disturb(touched: readonly string[], round: number): Promise<void> {
  const [renamed = '', deleted = '', undeleted = ''] = [0, 1, 2].map(
    (step) => touched[(round * 3 + step) % touched.length],
  );
  const settled = await Promise.allSettled([
    service.create(caller, person({ displayName: `new ${round}`, companyName: 'Acme', tags: ['b2c'] })),
    service.update(caller, renamed, { companyName: round % 2 ? 'Acme' : undefined, customFields: { seats: round } }),
    service.delete(caller, deleted),
    service.call('undeleteCustomer', { id: undeleted }, caller),
  ]);
  if (settled[0].status === 'fulfilled') made.add(settled[0].value.id);
}

test('pages of any size give the same list', async () => {
  for (const orderBy of ['companyName desc, lifecycleStage, displayName', 'kind desc, createTime, updateTime desc']) {
    const filter = 'lifecycle_stage = FORMER_CUSTOMER AND kind = COMPANY';
    expect(await walked(orderBy, filter, { pageSize: 17 })).toEqual(await walked(orderBy, filter));
  }
});

describe('a page reads a bounded number of rows', () => {
  const window = 2_000;
  test.each([
    ['createTime desc, displayName', ''],
    ['companyName, updateTime desc', ''],
    ['companyName, displayName, createTime', 'tags:b2c'],
    ['updateTime, displayName desc', 'kind = PERSON'],
    ['lifecycleStage desc, displayName', ''],
    ['kind, companyName, createTime', 'tags:b2c'],
    ['customFields.seats desc, displayName', ''],
  ])('of %s, %s', async (orderBy, filter) => {
    const { orders, conditions } = await inCall(() => conditionsOf(em, type, { orderBy, filter }));
    const query = { type, tenantId: caller.tenantId, live: true, orders, conditions, limit: 21 };
    const all = await sorted(orderBy.split(', '), filter);
    // The first page, one within each large group, and the last one.
    for (const place of [0, 0.15, 0.35, 0.6, 0.9, 1]) {
      reads.all = [];
      const start = Math.min(Math.floor(place * all.length), all.length - 10);
      const after =
        start === 0
          ? undefined
          : await positionOf(
              all[start - 1] ?? '',
              orders.map(({ name }) => name),
            );
      const rows = await inCall(() => readList(em, { ...query, after }));
      expect(rows.map(({ stored }) => stored.record.id)).toEqual(all.slice(start, start + 21));

      let read = 0;
      for (const statement of [...reads.all]) {
        const nodes = await planOf(em, statement, true);
        expect(tablesReadWhole(nodes)).toEqual([]);
        read += rowsRead(nodes);
        // Scanned rows are counted and sorted once for the whole page, not once for each of its rows.
        expect(rowsReadAgain(nodes)).toBeLessThanOrEqual(5 * window);
      }
      // Two scans, and then those of a list with one order: each row is read from at most two tables.
      expect(read, `${read} rows after ${start}`).toBeLessThanOrEqual(6 * window);
    }
  });

  function inCall<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    return callContext.run({ requestId: 'test', caller }, work);
  }

  /** The position of a customer, in PostgreSQL's text form. */
  async function positionOf(id: string, names: readonly string[]) {
    const values = names.map((name) => `(${keys[camelPath(name)]})::text`);
    const { rows } = await superuser.query<{ values: (string | null)[] }>(
      `select array[${values.join(', ')}] as values from customer where id = $1`,
      [id],
    );
    return { id, values: rows[0]?.values ?? [] };
  }
});

test.each<[string, string, string | undefined]>([
  [
    'displayName, jobTitle',
    'ORDER_NOT_INDEXED',
    'kind, displayName, familyName, lifecycleStage, companyName, createTime',
  ],
  ['displayName,, createTime', 'ORDER_NOT_INDEXED', undefined],
  ['displayName, ', 'ORDER_NOT_INDEXED', undefined],
  ['displayName down', 'ORDER_NOT_INDEXED', undefined],
  ['displayName, createTime, display_name desc', 'DUPLICATE', 'displayName'],
  ['displayName, createTime, updateTime, kind', 'TOO_MANY_ORDERS', '3'],
])('refuses %s', async (orderBy, reason, text = '') => {
  await expect(service.call('listCustomers', { orderBy }, caller)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'orderBy', reason, description: expect.stringContaining(text) as string }],
  });
});

test('a caller without access to personal data can not order by it, at any position', async () => {
  const blind = { ...caller, hidesPii: true };
  await expect(service.call('listCustomers', { orderBy: 'createTime, family_name' }, blind)).rejects.toMatchObject({
    reason: 'FIELD_HIDDEN',
    metadata: { field: 'familyName' },
  });
});

test('a page token is bound to all its orders', async () => {
  const request = { orderBy: 'kind, createTime desc', pageSize: 1 };
  const { nextPageToken: pageToken } = await service.call('listCustomers', request, caller);
  for (const orderBy of ['kind, createTime', 'createTime desc, kind', 'createTime desc']) {
    await expect(service.call('listCustomers', { orderBy, pageToken }, caller)).rejects.toMatchObject({
      violations: [{ reason: 'PAGE_TOKEN_INVALID' }],
    });
  }
});

test('lists of deleted customers support several of their own orders', async () => {
  const own = newCaller();
  for (const displayName of ['b', 'a', 'b', 'c', 'a', 'b']) {
    await service.delete(own, (await service.create(own, person({ displayName }))).id);
  }
  const list = async (orderBy: string) =>
    (await service.call('listCustomers', { orderBy, showDeleted: true, pageSize: 200 }, own)).customers;

  const names = (await list('displayName desc, createTime')).map(({ displayName }) => displayName);
  expect(names).toEqual(['c', 'b', 'b', 'b', 'a', 'a']);
  const times = (await list('displayName desc, createTime desc')).slice(1, 4).map(({ createTime }) => createTime);
  expect(times).toEqual([...times].sort().reverse());
  await expect(list('displayName, kind')).rejects.toMatchObject({ violations: [{ reason: 'ORDER_NOT_INDEXED' }] });
});
