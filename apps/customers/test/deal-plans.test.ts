import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { createOrm, tenantSession } from '@rapport/persistence';
import { FieldOrder } from '@rapport/contracts/rapport/api/v1/options';
import { callContext } from '@rapport/platform';
import { sizeOf } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { customers } from '../src/domain/customers/customers.js';
import { deals } from '../src/domain/deals/deals.js';
import { stageEntries } from '../src/domain/deals/stage-entries.js';
import { filterFields } from '../src/engine/fields/filter-fields.js';
import type { RecordType } from '../src/engine/fields/record-type.js';
import { matchingRecords } from '../src/engine/query/list/count-records.js';
import { conditionsOf, type ListRequest } from '../src/engine/query/list/list-conditions.js';
import { pageSteps, type PageStep } from '../src/engine/query/list/read-page.js';
import { OperationTenant } from './operation-tenant.js';
import { broadReads, planOf, rowsRead, tablesReadWhole } from './query-plan.js';
import { newCaller, RunningCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';

const id = '019ab2f4-0000-7000-8000-000000000001';
const caller = newCaller();
const { tenantId } = caller;
let service: RunningCustomers;
let orm: MikroORM;
let em: EntityManager;

// A service of its own: the planner's statistics cover its rows alone.
beforeAll(async () => {
  service = await RunningCustomers.start();
  const tenants = sizeOf('DEAL_TENANTS', { short: 3, long: 20 });
  const each = Math.ceil(sizeOf('DEALS', { short: 3_000, long: 100_000 }) / tenants);
  for (let tenant = 0; tenant < tenants; tenant += 1) await fill(tenant === 0 ? caller : newCaller(), each);
  const superuser = await service.connectAsSuperuser();
  await superuser.query('analyze');
  await superuser.end();
  orm = createOrm({ databaseUrl: service.urls.appUrl, entities });
  em = orm.em.fork({ session: tenantSession(tenantId) });
}, 600_000);
afterAll(async () => {
  await orm.close();
  await service.stop();
});

/** Gives a tenant this many deals: one in 50 is in another stage, one in 20 has a tag, and titles are unique. */
async function fill(owner: typeof caller, count: number): Promise<void> {
  const sales = new SalesTenant(service, owner);
  const [main, other] = [await sales.createPipeline(), await sales.createPipeline({ name: 'Renewals' })];
  const operations = await OperationTenant.create(service, owner);
  const run = (rows: object[], recordType: string) => {
    const data = rows.map((row) => JSON.stringify(row)).join('\n');
    return operations.run(data, { contentType: 'application/x-ndjson', recordType });
  };
  const companies = Array.from({ length: 200 }, (_, number) => ({
    ...{ kind: 'COMPANY', displayName: `Company ${number}`, externalIds: [{ system: 'erp', value: `C${number}` }] },
    ...{ tags: number % 40 === 0 ? ['vip'] : ['b2b'], addresses: [{ countryCode: number % 50 === 0 ? 'GR' : 'DE' }] },
  }));
  await run(companies, 'customer');
  const { customers: made } = await service.call('listCustomers', { pageSize: 200 }, owner);
  const rows = Array.from({ length: count }, (_, number) => ({
    title: `Deal ${number}`,
    pipelineId: number % 60 === 0 ? other.id : main.id,
    ...(number % 5 > 0 && { customerId: made[number % made.length]?.id }),
    ...(number % 50 === 0 ? { stage: 'lost', lostReason: `reason ${number % 7}` } : { stage: 'new' }),
    amount: { amount: String((number * 37) % 100_000), currencyCode: number % 3 === 0 ? 'EUR' : 'USD' },
    closeDate: new Date(Date.UTC(2026, 0, number % 1_000)).toISOString().slice(0, 10),
    tags: number % 20 === 0 ? ['big'] : [],
    externalIds: [{ system: 'erp', value: String(number) }],
  }));
  expect(await run(rows, 'deal')).toMatchObject({ counts: { created: count } });
  await operations.close();
}

async function conditionsFor(type: RecordType, request: ListRequest) {
  return callContext.run({ requestId: 'test', caller }, () => conditionsOf(em, type, request));
}

/** The statements that the list runs for a page. */
async function stepsOf(type: RecordType, request: ListRequest, valued = true): Promise<PageStep[]> {
  const { orders, conditions } = await conditionsFor(type, request);
  return pageSteps({ type, tenantId, live: true, order: orders[0]!, conditions, valued, after: undefined, limit: 21 });
}

/** A value; for ordered fields, one with few smaller values and one with few greater ones. */
type Values = Record<string, [value: string, greatest?: string]>;
const times = ['2020-01-01', '2040-01-01'] as [string, string];
const dealValues: Values = {
  id: [id],
  title: ['"deal 1"', '"deal 999"'],
  customerId: [id],
  pipelineId: [id],
  stage: ['lost'],
  status: ['LOST'],
  effectiveForecastCategory: ['OMITTED'],
  rank: ['0000', 'ffff'],
  amount: ['"EUR 100"', '"EUR 99900"'],
  closeDate: ['2026-01-05', '2028-09-20'],
  stageTime: times,
  rotTime: times,
  closeTime: times,
  lostReason: ['"reason 3"'],
  ownerId: [id],
  ownerTeamId: [id],
  externalIds: ['erp/77'],
  createTime: times,
  updateTime: times,
  deleteTime: times,
  tags: ['big'],
};
const entryValues: Values = {
  id: [id],
  dealId: [id],
  pipelineId: [id],
  stage: ['lost'],
  enterTime: times,
  leaveTime: times,
  durationSeconds: ['0', '1000'],
  previousStage: ['lost'],
  cause: ['import'],
  amount: ['"EUR 100"', '"EUR 99900"'],
  createTime: times,
  updateTime: times,
  deleteTime: times,
};

function comparisons(values: Values): string[] {
  return Object.entries(values).flatMap(([field, [value, greatest]]) => [
    `${field} = ${value}`,
    ...(greatest === undefined
      ? []
      : [`${field} < ${value}`, `${field} <= ${value}`, `${field} > ${greatest}`, `${field} >= ${greatest}`]),
  ]);
}

test('every filter of deals and stage entries is tested below', () => {
  expect(Object.keys(dealValues).sort()).toEqual([...filterFields(deals).keys()].sort());
  expect(Object.keys(entryValues).sort()).toEqual([...filterFields(stageEntries).keys()].sort());
});

describe('results of a filter or q by indexes', () => {
  const asked = (type: RecordType, filters: string[]) => filters.map((filter) => [type.plural, filter, type] as const);
  const all = [
    ...asked(deals, [
      ...comparisons(dealValues),
      ...[
        'customer.country_code = GR',
        'customer.tags:vip',
        'customer.external_ids:erp/C7',
        'customer.company.tags:vip',
      ],
      ...[
        `customerId IN (${id}, ${id})`,
        'stage IN (lost, won)',
        'title:"*eal 777*"',
        'customer.displayName:"*pany 77"',
      ],
      ...['amount BETWEEN "EUR 100" AND "EUR 200"', 'closeDate BETWEEN 2026-01-05 AND 2026-01-07'],
      ...['stageTime < now-3000d', 'closeTime > today+1d', 'closeDate < today-2000d', 'title IN ("deal 1", "deal 2")'],
      ...['pipeline.name = renewals', 'stage_entries.stage = lost', 'title = "deal 77*"', 'stage = lost AND tags:big'],
    ]),
    ...asked(stageEntries, [
      ...comparisons(entryValues),
      ...['deal.title = "deal 77"', 'deal.customer.tags:vip', 'deal.stage = lost'],
    ]),
    ...asked(customers, [
      ...comparisons(dealValues).map((comparison) => `deals.${comparison}`),
      'deals.amount BETWEEN "EUR 100" AND "EUR 200"',
    ]),
  ];

  test.each(all)('of %s do not scan a table or a tenant: %s', async (_, filter, type) => {
    // For a time, the last rows are the first of the order: only another order leads to the index.
    const orderBy = filter.includes('create_time') ? 'update_time' : 'create_time';
    const sort = (await stepsOf(type, { filter, orderBy })).at(-1);
    const { conditions } = await conditionsFor(type, { filter });
    const { sql, params, settings } = matchingRecords({ type, tenantId, live: true, conditions });

    expect(broadReads(await planOf(em, sort!))).toEqual([]);
    expect(broadReads(await planOf(em, { sql: `select count(*) ${sql}`, params, settings }))).toEqual([]);
  });

  test.each(['deal 77', '777', 'dael'])('q of deals does not scan a table or a tenant: %s', async (q) => {
    expect(broadReads(await planOf(em, (await stepsOf(deals, { q })).at(-1)!))).toEqual([]);
  });
});

describe('orders', () => {
  const ordered = [deals, stageEntries].flatMap((type: RecordType) =>
    type.contract.fields
      .filter(({ index }) => [FieldOrder.LIVE, FieldOrder.ALL].includes(index.order))
      .flatMap(({ column }) => [column, `${column} desc`].map((orderBy) => [type.plural, orderBy, type] as const)),
  );

  test.each(ordered)('of %s, %s scans an index, with and without values', async (_, orderBy, type) => {
    for (const valued of [true, false]) {
      const [step] = await stepsOf(type, { orderBy }, valued);
      const nodes = await planOf(em, step!, true);
      expect(tablesReadWhole(nodes)).toEqual([]);
      if (valued) expect(rowsRead(nodes), JSON.stringify(nodes)).toBeLessThanOrEqual(100);
    }
  });
});
