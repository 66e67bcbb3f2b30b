import { createOrm, readForTenant, tenantSession, type Statement } from '@rapport/persistence';
import { ForecastGrouping } from '@rapport/contracts/rapport/sales/v1/forecasts_service';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { sizeOf } from '@rapport/testing';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { findQuotas, sumDeals, type ForecastOrigin } from '../src/domain/forecasts/forecast-statement.js';
import { periodOf } from '../src/domain/forecasts/period.js';
import { ofAll } from '../src/engine/query/list/planner-settings.js';
import { broadReads, nodesOf, rowsRead, type Explained, type PlanNode } from './query-plan.js';
import { newCaller, RunningCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';

const caller = newCaller();
const { tenantId } = caller;
const deals = sizeOf('FORECAST_DEALS', { short: 5_000, long: 500_000 });

let service: RunningCustomers;
let orm: MikroORM;
let em: EntityManager;

// A service of its own: the planner's statistics cover its rows alone.
beforeAll(async () => {
  service = await RunningCustomers.start();
  for (const [owner, count] of [[caller, deals] as const, ...[1, 2].map(() => [newCaller(), deals / 5] as const)]) {
    const pipeline = await new SalesTenant(service, owner).createPipeline();
    await fill(owner.tenantId, pipeline.id, count);
  }
  const superuser = await service.connectAsSuperuser();
  await superuser.query('analyze');
  await superuser.end();
  orm = createOrm({ databaseUrl: service.urls.appUrl, entities });
  em = orm.em.fork({ session: tenantSession(tenantId) });
}, 120_000);
afterAll(async () => {
  await orm.close();
  await service.stop();
});

/** Deals of ten years, half of them won: one in ten has an old change, and one in a hundred a new one. */
async function fill(tenant: string, pipelineId: string, count: number): Promise<void> {
  const superuser = await service.connectAsSuperuser();
  await superuser.query('set session_replication_role = replica');
  await superuser.query(
    `insert into deal (tenant_id, id, title, sort_title, pipeline_id, stage, status, amount, close_date, close_time, stage_time,
       external_ids, version, create_time, update_time, created_by, updated_by, tags, search_text, owner_id, weighted_amount,
       effective_forecast_category)
     select $1, gen_random_uuid(), n, n, $2, 'new', case n % 2 when 0 then 'WON' else 'OPEN' end,
       '{"currencyCode": "EUR", "amount": "10.01"}', to_char(date '2020-01-01' + n % 3650, 'YYYY-MM-DD'),
       case n % 2 when 0 then timestamptz '2020-01-01' + n % 3650 * interval '1 day' end, now(), '[]', 1, now(), now(), 'test', 'test',
       '{}', '', gen_random_uuid(), '{"currencyCode": "EUR", "amount": "5.01"}', case n % 2 when 0 then 'CLOSED' else 'PIPELINE' end
     from generate_series(1, $3::int) n`,
    [tenant, pipelineId, count],
  );
  await superuser.query(
    `insert into quota (tenant_id, id, period, amount, amount_order, key, version, create_time, update_time, created_by, updated_by, tags,
       search_text, terms)
     select $1, gen_random_uuid(), period, '{"currencyCode": "EUR", "amount": "1"}', '', n, 1, now(), now(), 'test', 'test', '{}', '',
       array['p:' || period]
     from generate_series(1, greatest($2::int / 10, 5000)) n, to_char(date '2020-01-01' + n % 3650, 'YYYY-MM') period`,
    [tenant, count],
  );
  await superuser.query(
    `insert into exchange_rate (tenant_id, id, base_currency, quote_currency, date, rate, version, create_time, update_time, created_by,
       updated_by)
     select $1, gen_random_uuid(), 'EUR', code, to_char(date '2010-01-01' + n, 'YYYY-MM-DD'), '1.1', 1, now(), now(), 'test', 'test'
     from generate_series(1, least($2::int, 6000)) n, unnest(array['USD', 'SEK']) code`,
    [tenant, count],
  );
  for (const [age, share] of [['10 days', 10] as const, ['0 days', 100] as const]) {
    await superuser.query(
      `insert into change_log (tenant_id, position, id, type, record_id, version, operation, time, before, after, actor, origin, hop)
       select tenant_id, nextval('change_log_position'), gen_random_uuid(), 'deal', id, 2, 'UPDATE', now() - $3::interval,
         '{"amount": {"currencyCode": "EUR", "amount": "1"}}', '{}', 'test', 'sql', 0
       from (select tenant_id, id from deal where tenant_id = $1 limit $2::int) changed`,
      [tenant, count / share, age],
    );
  }
  await superuser.end();
}

const query = {
  ...{ tenantId, period: periodOf('2026-02', 1, 'UTC'), grouping: ForecastGrouping.OWNER, seen: [v7()] },
};
const conversion = { target: 'USD', day: '2026-02-01' };
const now: ForecastOrigin = { since: undefined, conversion };
const before: ForecastOrigin = { since: new Date(Date.now() - 3_600_000).toISOString(), conversion };

async function planOf({ sql, values = [] }: Statement): Promise<PlanNode[]> {
  const explain = { sql: `explain (analyze, format json) ${sql}`, values };
  return nodesOf((await readForTenant<Explained>(em, explain, ofAll))[0]);
}

test.each([
  ['are', now, 1.5],
  ['were', before, 4],
] as const)('the deals of a month as they %s are found by indexes', async (_, origin, most) => {
  const nodes = await planOf(sumDeals(query, origin));

  expect(broadReads(nodes)).toEqual([]);
  // Of 120 months, one; and one change in a hundred, with the deal.
  expect(rowsRead(nodes)).toBeLessThan((most * deals) / 100);
});

test.each([
  ['are', now],
  ['were', before],
] as const)('the quotas of a month as they %s are found by indexes', async (_, origin) => {
  expect(broadReads(await planOf(findQuotas(query, origin)))).toEqual([]);
});

test('the changes since a time are read from the first of them', async () => {
  const superuser = await service.connectAsSuperuser();
  const { rows } = await superuser.query<{ before: string; after: string }>(
    `select count(*) filter (where position < first) as before, count(*) filter (where position >= first) as after
     from change_log, position_since($1, now() - interval '1 hour') as first where tenant_id = $1 and type = 'deal'`,
    [tenantId],
  );
  await superuser.end();

  expect(rows).toEqual([{ before: String(deals / 10), after: String(deals / 100) }]);
});
