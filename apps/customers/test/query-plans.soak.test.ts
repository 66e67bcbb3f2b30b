import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { createOrm, tenantSession, withConnection } from '@rapport/persistence';
import { callContext, type Caller } from '@rapport/platform';
import { drawnBy, printedSeed, sizeOf } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SeedTenant } from '../seed/seed-rows.ts';
import { aggregateStatement } from '../src/engine/query/aggregate-records.js';
import { readGroups } from '../src/engine/query/aggregate/group-columns.js';
import { entities } from '../src/database.js';
import { matchingRecords } from '../src/engine/query/list/count-records.js';
import { conditionsOf, type ListRequest } from '../src/engine/query/list/list-conditions.js';
import { numbered } from '../src/engine/query/list/planner-settings.js';
import { pageSteps, readPage, type PageStep } from '../src/engine/query/list/read-page.js';
import type { PageQuery } from '../src/engine/query/list/page-statements.js';
import { isSmallTenant } from '../src/engine/query/list/tenant-size.js';
import { customers as type } from '../src/domain/customers/customers.js';
import {
  broadReads,
  firstPage,
  nodesOf,
  planOf as planned,
  rowsRead,
  tablesReadWhole,
  type Explained,
  type PlanNode,
} from './query-plan.js';
import { comparisons, compounds, id, links, others } from './planned-filters.js';
import type { RunningCustomers } from './running-customers.js';
import { startSeeded } from './seeded-tenant.js';

const window = 2_000;
const seed = printedSeed('query-plans');
/** All of them in the long form. */
const sizes = {
  others: sizeOf('PLANNED_OTHERS', { short: 40, long: others.length }),
  totals: sizeOf('PLANNED_TOTALS', { short: 60, long: Number.MAX_SAFE_INTEGER }),
};
let customers: RunningCustomers;
let orm: MikroORM;
let em: EntityManager;
let tenants: SeedTenant[];
let tenantId: string;

// A service of its own: the planner's statistics cover its rows alone.
beforeAll(async () => {
  ({ customers, tenants } = await startSeeded());
  tenantId = tenants[0]?.tenantId ?? '';
  orm = createOrm({ databaseUrl: customers.urls.appUrl, entities });
  em = orm.em.fork({ session: tenantSession(tenantId) });
}, 120_000);
afterAll(async () => {
  await orm.close();
  await customers.stop();
});

function inCall<Answer>(work: () => Promise<Answer>, more: Partial<Caller> = {}): Promise<Answer> {
  const caller = { tenantId, principalId: 'test', permissions: [], ...more };
  return callContext.run({ requestId: 'test', caller }, work);
}

/** The statements that the list runs for a page. */
async function stepsOf(request: ListRequest, more: Partial<PageQuery> = {}): Promise<PageStep[]> {
  const wanted = await inCall(() => conditionsOf(em, type, request));
  return pageSteps(firstPage(type, tenantId, wanted, { live: !request.showDeleted, ...more }));
}

function planOf(step: Omit<PageStep, 'isSorted'>, isRun = false): Promise<PlanNode[]> {
  return planned(em, step, isRun);
}

/** The plan of a prepared statement. */
async function genericPlanOf({ sql, settings }: PageStep): Promise<PlanNode[]> {
  return withConnection(em, async (client) => {
    await client.query('begin');
    const variables = { ...settings, 'app.tenant_id': tenantId };
    for (const [name, value] of Object.entries(variables)) {
      await client.query('select set_config($1, $2, true)', [name, value]);
    }
    const { rows } = await client.query<Explained>(`explain (generic_plan, format json) ${numbered(sql)}`);
    await client.query('rollback');
    return nodesOf(rows[0]);
  });
}

const queries = ['lovelace', 'lovelase', 'ann smith', 'ja', '4930', '佐藤', 'mail.example'];

describe('results of a filter or q by indexes', () => {
  const requests: ListRequest[] = [
    // Those of other records are the comparisons of customers, through a join.
    ...[...comparisons, ...drawnBy(seed, others, sizes.others), ...links, ...compounds].map((filter) => ({ filter })),
    ...queries.map((q) => ({ q })),
  ];

  test.each(requests)('do not scan a table or a tenant: %j', async (request) => {
    // For a time, the last rows are the first of the order: only another order leads to the index.
    const orderBy = 'company_name';
    const sort = (
      await stepsOf({ ...request, orderBy: (request.filter ?? '').includes('company_name') ? 'display_name' : orderBy })
    ).at(-1);

    expect(broadReads(await planOf(sort!))).toEqual([]);
  });

  // Their conditions are those of the list.
  test.each(drawnBy(seed, requests, sizes.totals))('nor for a total or an aggregation: %j', async (request) => {
    const { conditions } = await inCall(() => conditionsOf(em, type, request));
    const query = { type, tenantId, live: true, conditions };
    const { sql, params, settings } = matchingRecords(query);

    expect(broadReads(await planOf({ sql: `select count(*) ${sql}`, params, settings }))).toEqual([]);
    for (const groupBy of [
      ['kind', 'tags'],
      ['createTime.month', 'city'],
    ]) {
      const groups = readGroups(type, groupBy, { customFields: undefined, timeZone: 'Europe/Berlin' });
      expect(broadReads(await planOf(aggregateStatement(query, groups, [])))).toEqual([]);
    }
  });
});

describe('orders', () => {
  const nullable = ['family_name', 'company_name', 'birth_date', 'lifecycle_stage_time'];
  const names = ['display_name', 'create_time', 'update_time', ...nullable];
  const keys = ['account_note', 'seats', 'score', 'revenue', 'contract_start', 'last_contact'];
  const orders = [...names, ...keys.map((key) => `custom_fields.${key}`)].flatMap((name) => [name, `${name} desc`]);
  const deleted = ['display_name', 'create_time', 'update_time', 'delete_time'].flatMap((name) => [
    name,
    `${name} desc`,
  ]);
  const after = { value: '2021-01-01T00:00:00Z', id };

  test.each(orders)('%s scans an index from the position, with and without values', async (orderBy) => {
    for (const valued of [true, false]) {
      for (const position of [undefined, after]) {
        for (const filter of ['', 'tags:b2c']) {
          const [step] = await stepsOf({ orderBy, filter }, { valued, after: position });
          const nodes = await planOf(step!, true);
          expect(tablesReadWhole(nodes)).toEqual([]);
          // The result may include a few rows without a value.
          if (valued || !orderBy.includes('custom')) expect(rowsRead(nodes)).toBeLessThanOrEqual(2 * window + 100);
        }
      }
    }
  });

  test.each(names.flatMap((name) => [name, `${name} desc`]))(
    '%s without conditions is prepared, and scans its index for any values',
    async (orderBy) => {
      const prepared = new Map<string, string>();
      const isNullable = nullable.includes(orderBy.replace(' desc', ''));
      for (const showDeleted of deleted.includes(orderBy) ? [false, true] : [false]) {
        for (const valued of isNullable ? [true, false] : [true]) {
          for (const position of [undefined, after]) {
            const [step] = await stepsOf({ orderBy, showDeleted }, { valued, after: position });
            const { name = '', sql } = step!;
            const nodes = await genericPlanOf(step!);

            expect(tablesReadWhole(nodes)).toEqual([]);
            expect(nodes.map((node) => node['Node Type']).filter((type) => /Sort|Bitmap/.test(type))).toEqual([]);
            // Each name belongs to one statement.
            expect(prepared.get(name) ?? sql).toBe(sql);
            prepared.set(name, sql);
          }
        }
      }
      expect(prepared.has('')).toBe(false);
    },
  );

  test.each(deleted)('%s of deleted customers scans an index', async (orderBy) => {
    for (const filter of ['', 'emails:a*', 'custom_fields.seats > 3', 'tags:vip', 'company.tags:vip']) {
      for (const step of await stepsOf({ orderBy, filter, showDeleted: true })) {
        expect(tablesReadWhole(await planOf(step))).toEqual([]);
      }
    }
  });

  test.each(orders)('%s reads as few rows for a late page as for the first', async (orderBy) => {
    const { orders, conditions } = await inCall(() => conditionsOf(em, type, { orderBy }));
    const query = { type, tenantId, live: true, order: orders[0]!, conditions, after: undefined, limit: 3_000 };
    const last = (await readPage(em, query)).at(-1);
    const [{ id }, value = null] = [last!.record, last!.more[1]];
    const read = async (after: PageQuery['after'], valued: boolean) =>
      rowsRead(await planOf((await stepsOf({ orderBy }, { after, valued }))[0]!, true));

    const isValued = value !== null;
    expect(await read({ value, id }, isValued)).toBeLessThanOrEqual((await read(undefined, isValued)) + 50);
  });
});

test.each([
  ['tags:none', 'display_name'],
  ['display_name = "brandenb*"', 'create_time desc'],
  ['custom_fields.seats = 1369 AND country_code:GR', 'family_name'],
  ['emails:info@brand*', 'custom_fields.seats'],
  ['company.display_name = "brandenb*"', 'update_time'],
])('finding few matches of %s by %s reads only the tested rows and the matches', async (filter, orderBy) => {
  let rows = 0;
  for (const step of await stepsOf({ filter, orderBy })) rows += rowsRead(await planOf(step, true));

  // A scan by custom fields reads each row from two tables, and a test reads a row or two from a third.
  expect(rows).toBeLessThanOrEqual(5 * window);
});

test('lists and totals of a caller with a narrow scope read only visible records', async () => {
  const [owner] = await em.execute<{ id: string; count: number }[]>(
    `select owner_id as id, count(*)::int as count from customer where owner_id is not null group by 1 order by 2 limit 1`,
  );
  const { id, count } = owner!;
  const caller = { principalId: `user:${id}`, recordScope: 'OWN' as const };
  const wanted = await inCall(() => conditionsOf(em, type, {}), caller);
  const steps = pageSteps(firstPage(type, tenantId, wanted));
  const { conditions } = wanted;
  const { sql, params, settings } = matchingRecords({ type, tenantId, live: true, conditions });

  expect(steps).toHaveLength(1);
  for (const step of [...steps, { sql: `select count(*) ${sql}`, params, settings }]) {
    const nodes = await planOf(step, true);
    expect(broadReads(nodes)).toEqual([]);
    // The index returns the entries first, and the rows then.
    expect(rowsRead(nodes)).toBeLessThanOrEqual(2 * count);
  }
});

test('a tenant of up to 10,000 live customers is small', async () => {
  const sizes = await Promise.all(
    tenants.map(async ({ tenantId: id }) => {
      const ofTenant = orm.em.fork({ session: tenantSession(id) });
      const [row] = await ofTenant.execute<{ count: number }[]>(
        'select count(*)::int as count from customer where delete_time is null',
      );
      return { count: row?.count ?? 0, isSmall: await isSmallTenant(ofTenant, type, id) };
    }),
  );

  expect(sizes.map(({ isSmall }) => isSmall)).toEqual(sizes.map(({ count }) => count <= 10_000));
  expect(new Set(sizes.map(({ isSmall }) => isSmall)).size).toBe(2);
});

test('a total without indexable conditions reads one index of the tenant', async () => {
  for (const request of [
    {},
    { filter: 'NOT tags:vip' },
    { filter: 'given_name:*' },
    { filter: 'tags:x', showDeleted: true },
  ] as ListRequest[]) {
    const { conditions } = await inCall(() => conditionsOf(em, type, request));
    const { sql, params, settings } = matchingRecords({ type, tenantId, live: !request.showDeleted, conditions });
    expect(tablesReadWhole(await planOf({ sql: `select count(*) ${sql}`, params, settings }))).toEqual([]);
  }
});

test.each([
  'given_name < A',
  'tags > a',
  'kind > PERSON',
  'phones:+49*',
  'custom_fields.plan < Gold',
  'company.city = B*',
  ...['company.city = "*erlin"', 'givenName:"*a*"', 'externalIds:"*/77"', 'tags BETWEEN a AND b'],
  'customFields.account_note:"*prefers*"',
])('%s, which no index supports, is refused', async (filter) => {
  await expect(stepsOf({ filter })).rejects.toMatchObject({ violations: [{ reason: 'FILTER_NOT_INDEXED' }] });
});

test('no statistics are collected for lists and JSON, on which no plan depends', async () => {
  const superuser = await customers.connectAsSuperuser();
  const { rows } = await superuser.query<{ name: string }>(
    `select attname as name from pg_stats join information_schema.columns on table_name = tablename and column_name = attname
     where tablename = 'customer' and data_type in ('ARRAY', 'jsonb')`,
  );
  await superuser.end();

  expect(rows).toEqual([]);
});
