import type { EntityManager } from '@mikro-orm/postgresql';
import { dayAt } from '@rapport/contracts/filters';
import { transactionPipeline, type Statement } from '@rapport/persistence';
import { v7 as uuidv7 } from 'uuid';
import { Values, type Past } from '../../../engine/values/statement-values.js';
import { dealsOf, quotasOf } from '../forecast-sources.js';
import { forecastSettings } from '../forecast-settings.js';
import type { Conversion } from '../../exchange-rates/conversion-rates.js';
import { maxNamed } from '../forecast-statement.js';
import { snapshotPeriod, type Period } from '../period.js';

/** Most snapshots of a tenant: those of three years. A new one replaces the oldest. */
const maxSnapshots = 1_100;

/** A snapshot to take. */
export interface WantedSnapshot {
  tenantId: string;
  principalId: string;
  /** A time of the log: rows and quotas are of one moment, although several statements read them. */
  asOf: Date;
  /** Whether it is the one of a night; there is one for each. */
  isNightly: boolean;
}

/**
 * Stores the sums of all deals by owner, team, pipeline, stage, category, month and currency, and all quotas. Runs in a transaction
 * that sees the records of all owners.
 *
 * @returns its id; undefined when the night has one already
 */
export async function takeSnapshot(em: EntityManager, wanted: WantedSnapshot): Promise<string | undefined> {
  const { tenantId, principalId, asOf, isNightly } = wanted;
  const since = asOf.toISOString().replace('Z', '999Z');
  const settings = await forecastSettings(em, tenantId, since);
  const period = snapshotPeriod(dayAt(asOf, settings.timeZone), settings.fiscalYearStartMonth, settings.timeZone);
  const id = uuidv7();
  const past = { tenantId, since };
  const [made = []] = await transactionPipeline(em, [
    {
      name: 'insert_forecast_snapshot',
      sql: `insert into forecast_snapshot (tenant_id, id, time, nightly, log_position, time_zone, fiscal_year_start_month, first_month,
          last_month, row_count, create_time, created_by, base_currency)
        values ($1, $2, $3, $4, change_log_end(), $5, $6, $7, $8, 0, clock_timestamp(), $9, $10)
        on conflict (tenant_id, time) where nightly do nothing returning id`,
      values: [
        ...[tenantId, id, asOf.toISOString(), isNightly, settings.timeZone, settings.fiscalYearStartMonth],
        ...[period.months[0].key, period.last.key, principalId, settings.baseCurrency],
      ],
    },
  ]);
  if (made.length === 0) return undefined;
  await transactionPipeline(em, [
    insertRows(past, id, period, { target: settings.baseCurrency, day: asOf.toISOString().slice(0, 10) }),
    insertQuotas(past, id),
    {
      name: 'count_forecast_snapshot_rows',
      sql: `update forecast_snapshot set row_count = (
          select count(*) from forecast_snapshot_row where tenant_id = $1 and snapshot_id = $2
        ) where tenant_id = $1 and id = $2`,
      values: [tenantId, id],
    },
    {
      name: 'delete_old_forecast_snapshots',
      sql: `delete from forecast_snapshot where tenant_id = $1 and id in (
          select id from forecast_snapshot where tenant_id = $1 order by time desc, id desc offset ${maxSnapshots}
        )`,
      values: [tenantId],
    },
  ]);
  return id;
}

function insertRows(past: Past, id: string, period: Period, conversion: Conversion): Statement {
  const values = new Values();
  const { ctes, select } = dealsOf(past, period, conversion, values);
  const key = 'owner_id, owner_team_id, pipeline_id, stage, category, month, currency';
  const sql = `with ${[...ctes, `found as (${select})`].join(', ')}
    insert into forecast_snapshot_row (tenant_id, snapshot_id, number, ${key}, deal_count, amount, weighted,
      base_amount, base_weighted, conversions, unconverted_count, unconverted_ids)
    select ${values.add(past.tenantId)}::uuid, ${values.add(id)}::uuid, row_number() over (order by ${key}), ${key},
      sum(deal_count), sum(amount), sum(weighted), sum(base_amount), sum(base_weighted),
      jsonb_path_query_array(jsonb_agg(distinct conversions) filter (where conversions is not null), '$[*][*]'), sum(unconverted_count),
      (array_agg(unconverted_ids[1] order by unconverted_ids[1]) filter (where unconverted_ids is not null))[1:${maxNamed.deals}]
    from found group by ${key}`;
  return { sql, values: values.all };
}

function insertQuotas(past: Past, id: string): Statement {
  const values = new Values();
  const { ctes, select } = quotasOf(past, undefined, values);
  const columns = 'period, owner_id, owner_team_id, category, amount';
  const sql = `with ${[...ctes, `found as (${select})`].join(', ')}
    insert into forecast_snapshot_quota (tenant_id, snapshot_id, number, ${columns})
    select ${values.add(past.tenantId)}::uuid, ${values.add(id)}::uuid, row_number() over (), ${columns} from found`;
  return { sql, values: values.all };
}
