import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/**
 * Adds `rot_time` to the deals, and to what the change log has of them. Existing deals get it with their next write. The triggers list the
 * columns of the table, so they are created again, in the transaction of the new column: the previous release can write before and after.
 */
export class AddRotTimeToDeal extends Migration {
  override name = 'add-rot-time-to-deal';

  override up(): void {
    this.addSql(`
      alter table deal add column rot_time timestamptz(3);
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
          'rot_time',
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
