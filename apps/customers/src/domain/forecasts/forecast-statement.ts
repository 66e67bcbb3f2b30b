import { ForecastGrouping } from '@rapport/contracts/rapport/sales/v1/forecasts_service';
import type { Statement } from '@rapport/persistence';
import { term } from '../../engine/fields/terms.js';
import { Values } from './statement-values.js';
import type { Period } from './period.js';
import { quotas } from './quotas.js';

/** The deals and quotas of a forecast. */
export interface ForecastQuery {
  tenantId: string;
  period: Period;
  grouping: ForecastGrouping;
  pipelineId?: string | undefined;
  ownerId?: string | undefined;
  ownerTeamId?: string | undefined;
  currency?: string | undefined;
  /** The owners and teams whose records the caller sees; undefined for all. */
  seen: readonly string[] | undefined;
}

/** Sums of one currency in one group, as decimal texts; in the total when `in_total`. */
export interface SumRow {
  in_total: boolean;
  value: string | null;
  pipeline_id: string | null;
  /** Null for the deals of all currencies, and those without an amount: their number alone counts. */
  currency: string | null;
  deal_count: string;
  pipeline: string;
  best_case: string;
  commit: string;
  closed: string;
  total: string;
  weighted: string;
}

/** Most groups of a forecast, and one more that shows whether there are others. */
const maxGroups = 1_000;

/**
 * Sums of the deals. One statement, so that rows and changes are from one moment.
 *
 * @param since the deals as of this time, in PostgreSQL's form: deals that changed since then have their former values. By default the
 *   deals as they are
 */
export function sumDeals(query: ForecastQuery, since?: string): Statement {
  const values = new Values();
  const { period, tenantId, grouping } = query;
  const tenant = values.add(tenantId);
  const [first, last] = [values.add(period.months[0].first), values.add(period.last.last)];
  const [start, end] = [values.add(period.months[0].start), values.add(period.last.end)];
  const open = (row: string) =>
    `${row}.status = 'OPEN' and ${row}.close_date >= ${first} and ${row}.close_date <= ${last}`;
  const won = (row: string) =>
    `${row}.status = 'WON' and ${row}.close_time >= ${start}::timestamptz and ${row}.close_time < ${end}::timestamptz`;
  const columns = (row: string) => dealColumns.map((column) => `${row}.${column}`).join(', ');
  const rows = (condition: string) => `select ${columns('deal')} from deal
      where deal.tenant_id = ${tenant} and deal.delete_time is null and ${condition}`;
  const unchanged = since === undefined ? '' : ' and not exists (select from changed where changed.id = deal.id)';
  const sources = [rows(open('deal') + unchanged), rows(won('deal') + unchanged)];
  if (since !== undefined) {
    sources.push(
      `select ${columns('past')} from ${formerRows('deal', tenant)} and (${open('past')} or ${won('past')})`,
    );
  }
  const group = groupColumns(grouping, period, values);
  const sql = `with ${since === undefined ? '' : `${changedRecords('deal', values.add(since))}, `}found as (
      ${sources.join(' union all ')}
    ), counted as (
      select ${group.value} as value, ${group.pipeline} as pipeline_id, amount ->> 'currencyCode' as currency,
        ${category} as category,
        (amount ->> 'amount')::numeric as amount, (weighted_amount ->> 'amount')::numeric as weighted
      from found where coalesce(effective_forecast_category, '') <> 'OMITTED' and ${dealConditions(query, values)}
    )
    select grouping(value) = 1 as in_total, value, pipeline_id, currency, count(*) as deal_count, ${sums}
    from counted
    group by grouping sets ((), (currency), (value, pipeline_id), (value, pipeline_id, currency))
    having grouping(currency) = 1 or currency is not null
    order by value collate "C" nulls last, pipeline_id, currency limit ${(maxGroups + 1) * 20}`;
  return { sql, values: values.all };
}

/** The category of a deal. Those of earlier releases have none yet. */
const category = `case status when 'WON' then 'CLOSED' else coalesce(effective_forecast_category, 'PIPELINE') end`;

const dealColumns = [
  ...['status', 'close_date', 'close_time', 'owner_id', 'owner_team_id', 'pipeline_id', 'stage'],
  ...['amount', 'weighted_amount', 'effective_forecast_category'],
];

const sums = [
  ...(['PIPELINE', 'BEST_CASE', 'COMMIT', 'CLOSED'] as const).map(
    (category) =>
      `trim_scale(coalesce(sum(amount) filter (where category = '${category}'), 0)) as ${category.toLowerCase()}`,
  ),
  'trim_scale(coalesce(sum(amount), 0)) as total',
  'trim_scale(coalesce(sum(weighted), 0)) as weighted',
].join(', ');

function dealConditions(query: ForecastQuery, values: Values): string {
  const { pipelineId, currency } = query;
  const conditions = [
    ...ownerConditions(query, values),
    ...(pipelineId === undefined ? [] : [`pipeline_id = ${values.add(pipelineId)}::uuid`]),
    ...(currency === undefined ? [] : [`amount ->> 'currencyCode' = ${values.add(currency)}`]),
  ];
  return conditions.length === 0 ? 'true' : conditions.join(' and ');
}

/** The scope of the caller is that of the owners at the time of the forecast. */
function ownerConditions({ ownerId, ownerTeamId, seen }: ForecastQuery, values: Values): string[] {
  const owners = seen && values.add(seen);
  return [
    ...(ownerId === undefined ? [] : [`owner_id = ${values.add(ownerId)}::uuid`]),
    ...(ownerTeamId === undefined ? [] : [`owner_team_id = ${values.add(ownerTeamId)}::uuid`]),
    ...(owners ? [`(owner_id = any (${owners}::uuid[]) or owner_team_id = any (${owners}::uuid[]))`] : []),
  ];
}

function groupColumns(
  grouping: ForecastGrouping,
  { months }: Period,
  values: Values,
): { value: string; pipeline: string } {
  const none = 'null::text';
  switch (grouping) {
    case ForecastGrouping.OWNER:
      return { value: 'owner_id::text', pipeline: none };
    case ForecastGrouping.TEAM:
      return { value: 'owner_team_id::text', pipeline: none };
    case ForecastGrouping.CATEGORY:
      return { value: category, pipeline: none };
    case ForecastGrouping.STAGE:
      return { value: 'stage', pipeline: 'pipeline_id::text' };
    case ForecastGrouping.MONTH: {
      const list = `jsonb_to_recordset(${values.add(JSON.stringify(months))}::jsonb)
        as month (key text, first text, last text, start timestamptz, "end" timestamptz)`;
      const isIn = `case status when 'WON' then close_time >= month.start and close_time < month.end
        else close_date collate "C" between month.first and month.last end`;
      return { value: `(select key from ${list} where ${isIn})`, pipeline: none };
    }
    default:
      return { value: none, pipeline: none };
  }
}

/** A quota of a forecast. */
export interface QuotaRow {
  period: string;
  owner_id: string | null;
  owner_team_id: string | null;
  category: string | null;
  currency: string;
  amount: string;
}

/** Most quotas of a forecast. */
const maxQuotas = 20_000;

/** The quotas of the period and, for groups of months, of its months. @param since see `sumDeals` */
export function findQuotas(query: ForecastQuery, since?: string): Statement {
  const values = new Values();
  const { period, tenantId, grouping, currency } = query;
  const tenant = values.add(tenantId);
  const months = grouping === ForecastGrouping.MONTH ? period.months.map(({ key }) => key) : [];
  const keys = [...new Set([period.key, ...months])];
  const terms = values.add(keys.map((key) => term(quotas, 'period', key)));
  const columns = (row: string) =>
    ['period', 'owner_id', 'owner_team_id', 'category', 'amount'].map((column) => `${row}.${column}`).join(', ');
  const unchanged = since === undefined ? '' : ' and not exists (select from changed where changed.id = quota.id)';
  const current = `select ${columns('quota')} from quota
      where quota.tenant_id = ${tenant} and quota.delete_time is null and quota.terms && ${terms}::text[]${unchanged}`;
  const sources = [current];
  if (since !== undefined) {
    const isWanted = `past.period = any (${values.add(keys)}::text[])`;
    sources.push(`select ${columns('past')} from ${formerRows('quota', tenant)} and ${isWanted}`);
  }
  const conditions = [
    ...ownerConditions(query, values),
    ...(currency === undefined ? ['true'] : [`amount ->> 'currencyCode' = ${values.add(currency)}`]),
  ];
  const sql = `with ${since === undefined ? '' : `${changedRecords('quota', values.add(since))}, `}found as (
      ${sources.join(' union all ')}
    )
    select period, owner_id, owner_team_id, category, amount ->> 'currencyCode' as currency, amount ->> 'amount' as amount
    from found where ${conditions.join(' and ')} limit ${maxQuotas}`;
  return { sql, values: values.all };
}

/** The records that changed since a time. */
function changedRecords(type: string, since: string): string {
  return `changed as materialized (
      select record_id::uuid as id, is_new, before from records_before('${type}', ${since}::timestamptz)
    )`;
}

/** The changed records that existed, as they were. One that has been removed since is all in its change. */
function formerRows(table: string, tenant: string): string {
  return `changed left join ${table} on ${table}.tenant_id = ${tenant} and ${table}.id = changed.id
      cross join lateral jsonb_populate_record(${table}, changed.before) as past
      where not changed.is_new and past.delete_time is null`;
}
