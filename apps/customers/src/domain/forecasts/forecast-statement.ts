import { ForecastGrouping } from '@rapport/contracts/rapport/sales/v1/forecasts_service';
import type { ConversionRate } from '@rapport/contracts/rapport/sales/v1/currencies_service';
import type { Statement } from '@rapport/persistence';
import { Values } from '../../engine/values/statement-values.js';
import type { Conversion } from '../exchange-rates/conversion-rates.js';
import { dealsOf, dealsOfSnapshot, quotasOf, quotasOfSnapshot, type ForecastSource } from './forecast-sources.js';
import type { Period } from './period.js';

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

/** What a forecast is computed from: the records, as of a time of the log if `since` is set, or a snapshot. */
export type ForecastOrigin =
  | { since: string | undefined; conversion: Conversion }
  | {
      snapshotId: string;
      /** Undefined for a snapshot without converted sums. */
      conversion: Conversion | undefined;
    };

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
  /** The sums of all currencies in the base currency: where `currency` is null. */
  base: BaseSums | null;
  unconverted_count: string;
  /** By what the deals of the total were converted. */
  conversion: { rates: ConversionRate[] | null; unconverted: string[] | null } | null;
}

/** Sums of converted deals, as decimal texts. */
export type BaseSums = Record<
  'deal_count' | 'pipeline' | 'best_case' | 'commit' | 'closed' | 'total' | 'weighted',
  string
>;

/** Most rates that a forecast names, and most deals without one. */
export const maxNamed = { rates: 1_000, deals: 100 };

/** Most rows of sums: the totals are first, then the groups in the order of their values. */
const maxSums = 20_000;

/** Sums of the deals. One statement, so that rows and changes are from one moment. */
export function sumDeals(query: ForecastQuery, origin: ForecastOrigin): Statement {
  const values = new Values();
  const { tenantId, period, pipelineId, currency } = query;
  const { ctes, select } =
    'snapshotId' in origin
      ? dealsOfSnapshot(tenantId, origin.snapshotId, period, values)
      : dealsOf({ tenantId, since: origin.since }, period, origin.conversion, values);
  const conditions = [
    'true',
    ...ownerConditions(query, values),
    ...(pipelineId === undefined ? [] : [`pipeline_id = ${values.add(pipelineId)}::uuid`]),
    ...(currency === undefined ? [] : [`currency = ${values.add(currency)}`]),
  ];
  const { value, pipeline } = groupColumns(query.grouping);
  const sql = `with ${[...ctes, `found as (${select})`].join(', ')}, counted as (
      select deal_count, ${value} as value, ${pipeline} as pipeline_id, currency, category, amount, weighted,
        base_amount, base_weighted, conversions, unconverted_count, unconverted_ids
      from found where ${conditions.join(' and ')}
    )
    select grouping(value) = 1 as in_total, value, pipeline_id, currency, coalesce(sum(deal_count), 0) as deal_count,
      ${sumsOf('amount', 'weighted', (name, sum) => `${sum} as ${name}`)},
      case when grouping(currency) = 1 then jsonb_build_object(
        'deal_count', ${convertedCount}::text, ${sumsOf('base_amount', 'base_weighted', (name, sum) => `'${name}', (${sum})::text`)}) end as base,
      coalesce(sum(unconverted_count), 0) as unconverted_count,
      case when grouping(value) = 1 and grouping(currency) = 1 then (${conversionOfTotal}) end as conversion
    from counted
    group by grouping sets ((), (currency), (value, pipeline_id), (value, pipeline_id, currency))
    having grouping(currency) = 1 or currency is not null
    order by in_total desc, value collate "C" nulls last, pipeline_id, currency limit ${maxSums}`;
  return { sql, values: values.all };
}

/** The sums of each category, of all, and of what is weighted. */
function sumsOf(amount: string, weighted: string, shown: (name: string, sum: string) => string): string {
  const all = (sum: string) => `trim_scale(coalesce(${sum}, 0))`;
  return [
    ...(['PIPELINE', 'BEST_CASE', 'COMMIT', 'CLOSED'] as const).map((category) =>
      shown(category.toLowerCase(), all(`sum(${amount}) filter (where category = '${category}')`)),
    ),
    shown('total', all(`sum(${amount})`)),
    shown('weighted', all(`sum(${weighted})`)),
  ].join(', ');
}

/** A row of a snapshot has several deals, of one currency: all of them with an amount or none. */
const convertedCount = `coalesce(sum(deal_count - unconverted_count) filter (where currency is not null), 0)`;

/** The names are one more than a forecast has, which shows whether there are more. */
const conversionOfTotal = `
  select jsonb_build_object(
    'rates', (select jsonb_agg(rate) from (
      select distinct rate, rate ->> 'date' as date, rate ->> 'id' as id
      from (select distinct list from counted, jsonb_array_elements(conversions) list) lists, jsonb_array_elements(list) rate
      order by date desc, id limit ${maxNamed.rates + 1}) named),
    'unconverted', (select jsonb_agg(id) from (
      select id from counted, unnest(unconverted_ids) id order by id limit ${maxNamed.deals}) named))`;

/** The scope of the caller is that of the owners at the time of the forecast. */
function ownerConditions({ ownerId, ownerTeamId, seen }: ForecastQuery, values: Values): string[] {
  const owners = seen && values.add(seen);
  return [
    ...(ownerId === undefined ? [] : [`owner_id = ${values.add(ownerId)}::uuid`]),
    ...(ownerTeamId === undefined ? [] : [`owner_team_id = ${values.add(ownerTeamId)}::uuid`]),
    ...(owners ? [`(owner_id = any (${owners}::uuid[]) or owner_team_id = any (${owners}::uuid[]))`] : []),
  ];
}

function groupColumns(grouping: ForecastGrouping): { value: string; pipeline: string } {
  const none = 'null::text';
  switch (grouping) {
    case ForecastGrouping.OWNER:
      return { value: 'owner_id::text', pipeline: none };
    case ForecastGrouping.TEAM:
      return { value: 'owner_team_id::text', pipeline: none };
    case ForecastGrouping.CATEGORY:
      return { value: 'category', pipeline: none };
    case ForecastGrouping.STAGE:
      return { value: 'stage', pipeline: 'pipeline_id::text' };
    case ForecastGrouping.MONTH:
      return { value: 'month', pipeline: none };
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

/** The quotas of the period and, for groups of months, of its months. */
export function findQuotas(query: ForecastQuery, origin: ForecastOrigin): Statement {
  const values = new Values();
  const { tenantId, period, grouping, currency } = query;
  const months = grouping === ForecastGrouping.MONTH ? period.months.map(({ key }) => key) : [];
  const keys = [...new Set([period.key, ...months])];
  const { ctes, select }: ForecastSource =
    'snapshotId' in origin
      ? quotasOfSnapshot(tenantId, origin.snapshotId, keys, values)
      : quotasOf({ tenantId, since: origin.since }, keys, values);
  const conditions = [
    'true',
    ...ownerConditions(query, values),
    ...(currency === undefined ? [] : [`amount ->> 'currencyCode' = ${values.add(currency)}`]),
  ];
  const sql = `with ${[...ctes, `found as (${select})`].join(', ')}
    select period, owner_id, owner_team_id, category, amount ->> 'currencyCode' as currency, amount ->> 'amount' as amount
    from found where ${conditions.join(' and ')} limit ${maxQuotas}`;
  return { sql, values: values.all };
}
