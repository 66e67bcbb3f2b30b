import { term } from '../../engine/fields/terms.js';
import type { Past, Values } from '../../engine/values/statement-values.js';
import { conversionRates, convertedBy, isKept, valueDay, type Conversion } from '../exchange-rates/conversion-rates.js';
import type { Period } from './period.js';
import { quotas } from './quotas.js';

/** The rows that forecasts sum, or those with the quotas: of the records as they are, as of a time of the log, or of a snapshot. */
export interface ForecastSource {
  /** Parts of WITH. */
  ctes: readonly string[];
  select: string;
}

/**
 * The deals of a period: open ones by the day on which they are expected to close, and won ones by the time at which they did. Columns:
 * deal_count, category, month, owner_id, owner_team_id, pipeline_id, stage, currency, amount, weighted, and of the conversion base_amount,
 * base_weighted, conversions (the lists of rates), unconverted_count and unconverted_ids.
 */
export function dealsOf(past: Past, period: Period, conversion: Conversion, values: Values): ForecastSource {
  const [target, day] = [values.add(conversion.target), values.add(conversion.day)];
  const months = `jsonb_to_recordset(${values.add(JSON.stringify(period.months))}::jsonb)
    as month (key text, start timestamptz, "end" timestamptz)`;
  const kept = isKept(target);
  const converted = (amount: string) => convertedBy(`(deal_then.${amount} ->> 'amount')::numeric`, conversion.target);
  return {
    ctes: [
      ...changedRecords('deal', past.since, values),
      `deal_then as materialized (${dealsThen(past, period, values)})`,
      ...conversionRates(past, { target, day }, values),
    ],
    // All of a won deal is weighted, so that its kept value is its weighted one.
    select: `select 1 as deal_count, owner_id, owner_team_id, pipeline_id, stage, category, month, currency, amount, weighted,
        base_amount, base_weighted, case when base_amount is not null then jsonb_build_array(rates) end as conversions,
        case when amount is not null and base_amount is null then 1 else 0 end as unconverted_count,
        case when amount is not null and base_amount is null then array[id] end as unconverted_ids
      from (
        select id, owner_id, owner_team_id, pipeline_id, stage,
          case status when 'WON' then 'CLOSED' else coalesce(effective_forecast_category, 'PIPELINE') end as category,
          case status when 'OPEN' then left(close_date, 7)
            else (select key from ${months} where close_time >= month.start and close_time < month.end) end as month,
          amount ->> 'currencyCode' as currency, (amount ->> 'amount')::numeric as amount,
          (weighted_amount ->> 'amount')::numeric as weighted,
          case when ${kept} then (base_amount ->> 'amount')::numeric else ${converted('amount')} end as base_amount,
          case when not ${kept} then ${converted('weighted_amount')}
            when weighted_amount is not null then (base_amount ->> 'amount')::numeric end as base_weighted,
          case when ${kept} then base_rates else conversion.rates end as rates
        from deal_then left join conversion
          on conversion.code = amount ->> 'currencyCode' and conversion.day = ${valueDay(day)}
      ) valued`,
  };
}

/** The rows of the deals, as they are or as of a time. */
function dealsThen({ tenantId, since }: Past, period: Period, values: Values): string {
  const tenant = values.add(tenantId);
  const [first, last] = [values.add(period.months[0].first), values.add(period.last.last)];
  const [start, end] = [values.add(period.months[0].start), values.add(period.last.end)];
  const counted = (row: string) => `coalesce(${row}.effective_forecast_category, '') <> 'OMITTED'`;
  const open = (row: string) =>
    `${row}.status = 'OPEN' and ${row}.close_date >= ${first} and ${row}.close_date <= ${last} and ${counted(row)}`;
  const won = (row: string) => `${row}.status = 'WON' and ${row}.close_time >= ${start}::timestamptz
    and ${row}.close_time < ${end}::timestamptz and ${counted(row)}`;
  const columns = (row: string) => dealColumns.map((column) => `${row}.${column}`).join(', ');
  const current = (condition: string) => `select deal.id, ${columns('deal')} from deal
    where deal.tenant_id = ${tenant} and deal.delete_time is null and ${condition} ${unchanged('deal', since)}`;
  const rows = [current(open('deal')), current(won('deal'))];
  if (since !== undefined) {
    rows.push(
      `select changed.id, ${columns('past')} from ${formerRows('deal', tenant)} and (${open('past')} or ${won('past')})`,
    );
  }
  return rows.join(' union all ');
}

const dealColumns = [
  ...['status', 'close_date', 'close_time', 'owner_id', 'owner_team_id', 'pipeline_id', 'stage'],
  ...['amount', 'weighted_amount', 'effective_forecast_category', 'base_amount', 'base_rates'],
];

/** The deals of a snapshot, in the form of `dealsOf`. */
export function dealsOfSnapshot(tenantId: string, id: string, period: Period, values: Values): ForecastSource {
  const [tenant, snapshot] = [values.add(tenantId), values.add(id)];
  return {
    ctes: [],
    select: `select deal_count, owner_id, owner_team_id, pipeline_id, stage, category, month, currency, amount, weighted,
        base_amount, base_weighted, conversions, unconverted_count, unconverted_ids
      from forecast_snapshot_row where tenant_id = ${tenant} and snapshot_id = ${snapshot}
        and month between ${values.add(period.months[0].key)} and ${values.add(period.last.key)}`,
  };
}

/** The quotas of some periods: those with all of `keys` when given. Columns: period, owner_id, owner_team_id, category and amount. */
export function quotasOf(
  { tenantId, since }: Past,
  keys: readonly string[] | undefined,
  values: Values,
): ForecastSource {
  const tenant = values.add(tenantId);
  const columns = (row: string) => quotaColumns.map((column) => `${row}.${column}`).join(', ');
  const found = keys ? `quota.terms && ${values.add(keys.map((key) => term(quotas, 'period', key)))}::text[]` : 'true';
  const rows = [
    `select ${columns('quota')} from quota
      where quota.tenant_id = ${tenant} and quota.delete_time is null and ${found} ${unchanged('quota', since)}`,
  ];
  if (since !== undefined) {
    const wanted = keys ? `past.period = any (${values.add(keys)}::text[])` : 'true';
    rows.push(`select ${columns('past')} from ${formerRows('quota', tenant)} and ${wanted}`);
  }
  return { ctes: changedRecords('quota', since, values), select: rows.join(' union all ') };
}

const quotaColumns = ['period', 'owner_id', 'owner_team_id', 'category', 'amount'];

/** The quotas of a snapshot, in the form of `quotasOf`. */
export function quotasOfSnapshot(
  tenantId: string,
  id: string,
  keys: readonly string[],
  values: Values,
): ForecastSource {
  return {
    ctes: [],
    select: `select ${quotaColumns.join(', ')} from forecast_snapshot_quota
      where tenant_id = ${values.add(tenantId)} and snapshot_id = ${values.add(id)} and period = any (${values.add(keys)}::text[])`,
  };
}

/** The records of a type that changed since a time. */
function changedRecords(type: string, since: string | undefined, values: Values): string[] {
  if (since === undefined) return [];
  return [
    `changed as materialized (
      select record_id::uuid as id, is_new, before from records_before('${type}', ${values.add(since)}::timestamptz)
    )`,
  ];
}

function unchanged(table: string, since: string | undefined): string {
  return since === undefined ? '' : `and not exists (select from changed where changed.id = ${table}.id)`;
}

/** The changed records that existed, as they were. One that has been removed since is all in its change. */
function formerRows(table: string, tenant: string): string {
  return `changed left join ${table} on ${table}.tenant_id = ${tenant} and ${table}.id = changed.id
    cross join lateral jsonb_populate_record(${table}, changed.before) as past
    where not changed.is_new and past.delete_time is null`;
}
