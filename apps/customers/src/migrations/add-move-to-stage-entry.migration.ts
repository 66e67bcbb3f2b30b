import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/**
 * Adds what a call says about a move to the stage entries, and to what the change log has of them. The triggers list the columns of the
 * table, so they are created again, in the transaction of the new columns: the previous release can write before and after.
 */
export class AddMoveToStageEntry extends Migration {
  override name = 'add-move-to-stage-entry';

  override up(): void {
    this.addSql(`
      alter table stage_entry add column reason text, add column cause text, add column overridden boolean;
      alter table stage_entry alter column reason set statistics 0;

      drop function log_stage_entry_insert, log_stage_entry_update, log_stage_entry_delete cascade;
      drop trigger log_truncate on stage_entry;
      drop trigger log_rename on stage_entry;
    `);
    this.addSql(
      triggersOf({
        table: 'stage_entry',
        type: 'stage_entry',
        key: 'id',
        version: '$.version',
        content: [
          'deal_id',
          'pipeline_id',
          'stage',
          'enter_time',
          'leave_time',
          'duration_seconds',
          'previous_stage',
          'amount',
          'reason',
          'cause',
          'overridden',
          'delete_time',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}
