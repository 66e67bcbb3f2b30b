import { Migration } from '@mikro-orm/migrations';

/**
 * Adds the sums in the base currency to forecast snapshots, with the rates by which deals were converted, and keeps the value of a deal in
 * what the change log has of an erased customer's deals: forecasts of earlier times need it, and it is not personal data.
 */
export class ConvertForecasts extends Migration {
  override name = 'convert-forecasts';

  override up(): void {
    this.addSql(columns);
    this.addSql(valuesAfterErasure);
  }
}

/** Without values in snapshots of the previous release. */
const columns = `
  alter table forecast_snapshot add column base_currency text;
  alter table forecast_snapshot_row
    add column base_amount numeric,
    add column base_weighted numeric,
    add column conversions jsonb,
    add column unconverted_count int,
    add column unconverted_ids uuid[];
`;

const valuesAfterErasure = `
  create or replace function values_after_erasure(recorded json) returns json language sql immutable as $$
    select json_object_agg(key, value) from (
      select key, value from json_each(recorded)
      where key in ('id', 'kind', 'version', 'create_time', 'update_time', 'delete_time', 'created_by', 'updated_by',
        'merged_into_id', 'from_customer_id', 'to_customer_id', 'type', 'customer_id', 'merged_id', 'undo_time',
        'undone_by', 'purpose', 'channel', 'state', 'legal_basis', 'time',
        'pipeline_id', 'stage', 'status', 'amount', 'weighted_amount', 'effective_forecast_category', 'close_date',
        'close_time', 'owner_id', 'owner_team_id', 'base_amount', 'base_rates')
      union all
      select 'erased', 'true'::json
    ) kept
    where recorded is not null
  $$;
`;
