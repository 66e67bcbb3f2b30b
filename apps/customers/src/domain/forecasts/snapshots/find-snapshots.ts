import type { EntityManager } from '@mikro-orm/postgresql';
import type { ConversionRate } from '@rapport/contracts/rapport/sales/v1/currencies_service';
import { ForecastCategory } from '@rapport/contracts/rapport/sales/v1/forecast_category';
import type {
  ForecastSnapshot,
  ForecastSnapshotRow,
  ListForecastSnapshotRowsRequest,
  ListForecastSnapshotRowsResponse,
  ListForecastSnapshotsRequest,
  ListForecastSnapshotsResponse,
} from '@rapport/contracts/rapport/sales/v1/forecast_snapshots_service';
import { type PageTokenKey, queryRows, readPageToken, signPageToken } from '@rapport/persistence';
import { AppError, currentCaller, ownersSeenBy } from '@rapport/platform';

const defaultPageSize = { snapshots: 20, rows: 200 };

/** A stored snapshot. */
export interface SnapshotRow {
  id: string;
  time: string | Date;
  nightly: boolean;
  log_position: string;
  time_zone: string;
  fiscal_year_start_month: number;
  first_month: string;
  last_month: string;
  row_count: number;
  create_time: string | Date;
  created_by: string;
  /** Null in snapshots of earlier releases. */
  base_currency: string | null;
}

const columns = `id, time, nightly, log_position, time_zone, fiscal_year_start_month, first_month, last_month, row_count, create_time,
  created_by, base_currency`;

/** The latest snapshot at a time, or before it. */
export async function latestSnapshot(em: EntityManager, time: Date): Promise<SnapshotRow | undefined> {
  const [row] = await queryRows<SnapshotRow>(em, {
    name: 'latest_forecast_snapshot',
    sql: `select ${columns} from forecast_snapshot where tenant_id = $1 and time <= $2 order by time desc, id desc limit 1`,
    values: [currentCaller().tenantId, time.toISOString()],
  });
  return row;
}

/** @throws AppError NOT_FOUND */
export async function findSnapshot(em: EntityManager, id: string): Promise<ForecastSnapshot> {
  const [row] = await queryRows<SnapshotRow>(em, {
    name: 'forecast_snapshot',
    sql: `select ${columns} from forecast_snapshot where tenant_id = $1 and id = $2`,
    values: [currentCaller().tenantId, id],
  });
  if (row) return snapshotMessage(row);
  throw new AppError('NOT_FOUND', 'FORECAST_SNAPSHOT_NOT_FOUND', 'There is no such forecast snapshot.');
}

function snapshotMessage(row: SnapshotRow): ForecastSnapshot {
  return {
    ...{ id: row.id, time: new Date(row.time).toISOString(), nightly: row.nightly, logPosition: row.log_position },
    ...{ timeZone: row.time_zone, firstMonth: row.first_month, lastMonth: row.last_month, rowCount: row.row_count },
    ...{ createTime: new Date(row.create_time).toISOString(), createdBy: row.created_by },
    baseCurrency: row.base_currency ?? undefined,
  };
}

/** Handles ListForecastSnapshots: the page that starts after the time and the id in the page token. */
export async function listSnapshots(
  em: EntityManager,
  pageTokenKey: PageTokenKey,
  { pageSize = defaultPageSize.snapshots, pageToken }: ListForecastSnapshotsRequest,
): Promise<ListForecastSnapshotsResponse> {
  const { tenantId } = currentCaller();
  const binding = JSON.stringify(['ListForecastSnapshots', tenantId]);
  const [time = null, id = null] = pageToken === undefined ? [] : readPageToken(pageTokenKey, binding, pageToken);
  const rows = await queryRows<SnapshotRow>(em, {
    name: 'list_forecast_snapshots',
    sql: `select ${columns} from forecast_snapshot
      where tenant_id = $1 and ($2::timestamptz is null or (time, id) < ($2, $3::uuid)) order by time desc, id desc limit $4`,
    // One more than the page holds shows whether there is a next page.
    values: [tenantId, time, id, pageSize + 1],
  });
  const page = rows.slice(0, pageSize).map(snapshotMessage);
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  return {
    forecastSnapshots: page,
    nextPageToken: last && signPageToken(pageTokenKey, binding, [last.time ?? '', last.id]),
  };
}

interface SumsRow {
  number: number;
  owner_id: string | null;
  owner_team_id: string | null;
  pipeline_id: string;
  stage: string;
  category: keyof typeof ForecastCategory;
  month: string;
  currency: string | null;
  deal_count: number;
  amount: string | null;
  weighted: string | null;
  base_amount: string | null;
  base_weighted: string | null;
  unconverted_count: number | null;
  base_rates: ConversionRate[] | null;
}

/** Handles ListForecastSnapshotRows: the page that starts after the number in the page token. */
export async function listSnapshotRows(
  em: EntityManager,
  pageTokenKey: PageTokenKey,
  { id, pageSize = defaultPageSize.rows, pageToken }: ListForecastSnapshotRowsRequest,
): Promise<ListForecastSnapshotRowsResponse> {
  await findSnapshot(em, id);
  const caller = currentCaller();
  const binding = JSON.stringify(['ListForecastSnapshotRows', caller.tenantId, id]);
  const [after = '0'] = pageToken === undefined ? [] : readPageToken(pageTokenKey, binding, pageToken);
  const rows = await queryRows<SumsRow>(em, {
    name: 'list_forecast_snapshot_rows',
    sql: `select number, owner_id, owner_team_id, pipeline_id, stage, category, month, currency, deal_count,
        trim_scale(amount) as amount, trim_scale(weighted) as weighted,
        trim_scale(base_amount) as base_amount, trim_scale(base_weighted) as base_weighted, unconverted_count,
        (select jsonb_agg(rate) from (
          select distinct rate from jsonb_array_elements(conversions) list, jsonb_array_elements(list) rate
        ) used) as base_rates
      from forecast_snapshot_row where tenant_id = $1 and snapshot_id = $2 and number > $3
        and ($4::uuid[] is null or owner_id = any ($4) or owner_team_id = any ($4))
      order by number limit $5`,
    values: [caller.tenantId, id, after, ownersSeenBy(caller) ?? null, pageSize + 1],
  });
  const page = rows.slice(0, pageSize);
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  return {
    rows: page.map(rowMessage),
    nextPageToken: last && signPageToken(pageTokenKey, binding, [String(last.number)]),
  };
}

function rowMessage(row: SumsRow): ForecastSnapshotRow {
  return {
    ...{ number: row.number, ownerId: row.owner_id ?? undefined, ownerTeamId: row.owner_team_id ?? undefined },
    ...{ pipelineId: row.pipeline_id, stage: row.stage, category: ForecastCategory[row.category], month: row.month },
    ...{ currencyCode: row.currency ?? undefined, dealCount: row.deal_count },
    ...{ amount: row.amount ?? undefined, weighted: row.weighted ?? undefined },
    ...{ baseAmount: row.base_amount ?? undefined, baseWeighted: row.base_weighted ?? undefined },
    ...{ unconvertedDealCount: row.unconverted_count ?? 0, baseRates: row.base_rates ?? [] },
  };
}
