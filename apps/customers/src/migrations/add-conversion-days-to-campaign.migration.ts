import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/**
 * Adds `conversion_days` to the campaigns, and to what the change log has of them. Its triggers list the columns of the table, so they are created
 * again, in the transaction of the new column: the previous release can write before and after.
 */
export class AddConversionDaysToCampaign extends Migration {
  override name = 'add-conversion-days-to-campaign';

  override up(): void {
    this.addSql(`
      alter table campaign add column conversion_days int;

      drop function log_campaign_insert, log_campaign_update, log_campaign_delete cascade;
      drop trigger log_truncate on campaign;
      drop trigger log_rename on campaign;
    `);
    this.addSql(
      triggersOf({
        table: 'campaign',
        type: 'campaign',
        key: 'id',
        version: '$.version',
        content: [
          'name',
          'topic_key',
          'mailbox_id',
          'include_segment_ids',
          'exclude_segment_ids',
          'audience',
          'variants',
          'test',
          'schedule',
          'throttle_per_minute',
          'tracks_clicks',
          'tracks_opens',
          'goal',
          'state',
          'state_reason',
          'counts',
          'start_time',
          'done_time',
          'winner_key',
          'conversion_days',
          'external_ids',
          'delete_time',
          'tags',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}
