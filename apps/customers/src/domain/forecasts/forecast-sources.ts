import { term } from '../../engine/fields/terms.js';
import type { Period } from './period.js';
import { quotas } from './quotas.js';
import type { Values } from './statement-values.js';

/** The rows that forecasts sum, or those with the quotas: of the records as they are, as of a time of the log, or of a snapshot. */
export interface ForecastSource {
  /** Parts of WITH. */
  ctes: readonly string[];
  select: string;
}

/** What the records are of. */
export interface Past {
  tenantId: string;
  /**
   * The records as of this time, in PostgreSQL's form: those that changed since then have their former values. Absent: the records as
   * they are.
   */
  since: string | undefined;
}

/**
 * The deals of a period: open ones by the day on which they are expected to close, and won ones by the time at which they did. Columns:
 * deal_count, category, month, owner_id, owner_team_id, pipeline_id, stage, currency, amount and weighted.
 */
export function dealsOf({ tenantId, since }: Past, period: Period, values: Values): ForecastSource {
  const tenant = values.add(tenantId);
  const [first, last] = [values.add(period.months[0].first), values.add(period.last.last)];
  const [start, end] = [values.add(period.months[0].start), values.add(period.last.end)];
  const open = (row: string) =>
    `${row}.status = 'OPEN' and ${row}.close_date >= ${first} and ${row}.close_date <= ${last}`;
  const won = (row: string) =>
    `${row}.status = 'WON' and ${row}.close_time >= ${start}::timestamptz and ${row}.close_time < ${end}::timestamptz`;
  const columns = (row: string) => dealColumns.map((column) => `${row}.${column}`).join(', ');
  const current = (condition: string) => `select ${columns('deal')} from deal
    where deal.tenant_id = ${tenant} and deal.delete_time is null and ${condition} ${unchanged('deal', since)}`;
  const rows = [current(open('deal')), current(won('deal'))];
  if (since !== undefined) {
    rows.push(`select ${columns('past')} from ${formerRows('deal', tenant)} and (${open('past')} or ${won('past')})`);
  }
  const months = `jsonb_to_recordset(${values.add(JSON.stringify(period.months))}::jsonb)
    as month (key text, start timestamptz, "end" timestamptz)`;
  return {
    ctes: changedRecords('deal', since, values),
    select: `select 1 as deal_count, owner_id, owner_team_id, pipeline_id, stage,
        case status when 'WON' then 'CLOSED' else coalesce(effective_forecast_category, 'PIPELINE') end as category,
        case status when 'OPEN' then left(close_date, 7)
          else (select key from ${months} where close_time >= month.start and close_time < month.end) end as month,
        amount ->> 'currencyCode' as currency, (amount ->> 'amount')::numeric as amount,
        (weighted_amount ->> 'amount')::numeric as weighted
      from (${rows.join(' union all ')}) deal_then where coalesce(effective_forecast_category, '') <> 'OMITTED'`,
  };
}

const dealColumns = [
  ...['status', 'close_date', 'close_time', 'owner_id', 'owner_team_id', 'pipeline_id', 'stage'],
  ...['amount', 'weighted_amount', 'effective_forecast_category'],
];

/** The deals of a snapshot, in the form of `dealsOf`. */
export function dealsOfSnapshot(tenantId: string, id: string, period: Period, values: Values): ForecastSource {
  const [tenant, snapshot] = [values.add(tenantId), values.add(id)];
  return {
    ctes: [],
    select: `select deal_count, owner_id, owner_team_id, pipeline_id, stage, category, month, currency, amount, weighted
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
