import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/**
 * Adds what forecasts need to the deals, and to what the change log has of them. No row is rewritten: a deal without the values has the
 * category of its status until its next write. The triggers list the columns of the table, so they are created again, in the transaction
 * of the new columns: the previous release can write before and after.
 */
export class AddForecastToDeal extends Migration {
  override name = 'add-forecast-to-deal';

  override up(): void {
    this.addSql(`
      alter table deal
        add column probability int,
        add column forecast_category text
          check (forecast_category in ('OMITTED', 'PIPELINE', 'BEST_CASE', 'COMMIT', 'CLOSED')),
        add column effective_probability int,
        add column effective_forecast_category text
          check (effective_forecast_category in ('OMITTED', 'PIPELINE', 'BEST_CASE', 'COMMIT', 'CLOSED')),
        add column weighted_amount jsonb;
      alter table deal alter column weighted_amount set statistics 0;
      drop function log_deal_insert, log_deal_update, log_deal_delete cascade;
      drop trigger log_truncate on deal;
      drop trigger log_rename on deal;
    `);
    this.addSql(
      triggersOf({
        table: 'deal',
        type: 'deal',
        key: 'id',
        version: '$.version',
        content: [
          'title',
          'customer_id',
          'pipeline_id',
          'stage',
          'status',
          'amount',
          'close_date',
          'stage_time',
          'close_time',
          'lost_reason',
          'rank',
          'probability',
          'forecast_category',
          'effective_probability',
          'effective_forecast_category',
          'weighted_amount',
          'owner_id',
          'owner_team_id',
          'external_ids',
          'custom_fields',
          'delete_time',
          'tags',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}
